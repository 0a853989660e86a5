import { styleText } from 'node:util';
import type { Sink } from '../base/world.ts';
import type { Verdict } from '../engine/verdict.ts';

/** Writes a text in a colour, or leaves it as it is. */
export type Paint = (color: Color, text: string) => string;
type Color = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** Leaves every text as it is. */
export const plain: Paint = (_, text) => text;

/** Writes in colour, whatever the terminal is. */
export const colored: Paint = (color, text) => styleText(color, text, { validateStream: false });

/** Are colours wanted here? --no-color, NO_COLOR and anything but a terminal say no. See https://no-color.org */
export function paintFor(
  flag: boolean,
  env: Readonly<Record<string, string | undefined>>,
  sink: Pick<Sink, 'isTerminal'>,
): Paint {
  const isWanted = flag && sink.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return isWanted ? colored : plain;
}

interface Look {
  readonly mark: string;
  readonly color: Color;
}

/** How each verdict looks in a text. */
export const LOOKS: Readonly<Record<Verdict, Look>> = {
  done: { mark: '✓', color: 'green' },
  skip: { mark: '–', color: 'dim' },
  warn: { mark: '!', color: 'yellow' },
  fail: { mark: '✗', color: 'red' },
  crash: { mark: '?', color: 'red' },
  'not-run': { mark: '·', color: 'dim' },
};
