import type { Fate } from './lives.ts';
import { LOOKS, type Paint } from './style.ts';

/** The mark in front of a run: that of its verdict, or of its having no end. */
export function fateMark(fate: Fate, paint: Paint): string {
  if (fate === 'running') return paint('bold', '…');
  if (fate === 'killed') return paint('red', '✗');
  return paint(LOOKS[fate].color, LOOKS[fate].mark);
}
