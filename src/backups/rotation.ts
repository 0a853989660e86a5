import type { Receipt } from './receipts.ts';

/** Which of the backups a restore test takes. */
export const PICKS = ['rotate', 'newest', 'oldest', 'random'] as const;

/** Which of the backups of one place: the last one, one in between, the one that has lain longest. */
const AGES = ['newest', 'older', 'oldest'] as const;
export type Age = (typeof AGES)[number];

/** One kind of backup in one place that a restore test can take. */
export interface Turn<T> {
  /** `local`, or the name of a copy. */
  readonly copy: string;
  readonly age: Age;
  /** Any of these will do. Never empty. */
  readonly backups: readonly [T, ...T[]];
}

/** The backups of one place. */
export interface Holding<T> {
  readonly copy: string;
  readonly newestFirst: readonly T[];
}

/** What there is to take turns with: in each place the newest, the oldest, and whatever lies between. */
export function turnsOf<T>(holdings: readonly Holding<T>[]): readonly Turn<T>[] {
  return AGES.flatMap((age) =>
    holdings.flatMap(({ copy, newestFirst }): readonly Turn<T>[] => {
      const [first, ...rest] = {
        newest: newestFirst.slice(0, 1),
        older: newestFirst.slice(1, -1),
        oldest: oldest(newestFirst),
      }[age];
      return first === undefined ? [] : [{ copy, age, backups: [first, ...rest] }];
    }),
  );
}

/** A backup that is alone is the newest. */
function oldest<T>(newestFirst: readonly T[]): readonly T[] {
  return newestFirst.length > 1 ? newestFirst.slice(-1) : [];
}

/**
 * Whose turn it is: what was never tried, else what was tried longest ago. So each place and each age has its turn, and
 * a copy that nobody has ever restored from does not stay one. A test that could not be done is no test.
 * @returns undefined where there is nothing to try
 */
export function nextTurn<T>(turns: readonly Turn<T>[], receipts: readonly Receipt[]): Turn<T> | undefined {
  const tried = new Map<string, string>();
  for (const { kind, copy, at, verdict, age } of receipts)
    if (kind === 'restore-test' && verdict !== 'inconclusive') tried.set(`${copy} ${String(age)}`, at);
  const lastTried = ({ copy, age }: Turn<T>): string => tried.get(`${copy} ${age}`) ?? '';
  return turns.toSorted((a, b) => (lastTried(a) < lastTried(b) ? -1 : lastTried(a) > lastTried(b) ? 1 : 0))[0];
}
