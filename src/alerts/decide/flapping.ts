import type { AlertState } from '../state.ts';

/** So many results are remembered. */
export const REMEMBERED = 20;
const MOST_CHANGES = 4;
const MOST_FIRINGS = 3;
const STABLE_RESULTS = 10;

/**
 * Marks a problem that comes and goes: four changes in twenty results, or three times firing within a day. It is one no
 * longer after ten results of one kind; what came before is then forgotten, so that it does not begin anew at once.
 */
export function withFlapping(state: AlertState): AlertState {
  const { flapping, recent, firedAt } = state;
  if (flapping === null) {
    const isRestless = changesIn(recent) >= MOST_CHANGES || firedAt.length >= MOST_FIRINGS;
    return isRestless ? { ...state, flapping: 'notice' } : state;
  }
  const newest = recent.slice(-STABLE_RESULTS);
  if (newest.length < STABLE_RESULTS || changesIn(newest) > 0) return state;
  // Nobody heard that it began, so nobody needs to hear that it ended.
  return { ...state, flapping: flapping === 'notice' ? null : 'stable', recent: newest, firedAt: [] };
}

function changesIn(recent: string): number {
  let changes = 0;
  for (let index = 1; index < recent.length; index += 1) if (recent[index] !== recent[index - 1]) changes += 1;
  return changes;
}
