import { DAY_MS, formatCount, formatDuration, plural } from '../base/units.ts';
import type { SampleHistory } from '../engine/sample.ts';
import { theilSenSlope } from '../engine/slope.ts';

/** What the journal remembers of earlier runs. */
export interface Past {
  readonly history: SampleHistory;
  readonly now: Date;
}

/** Names of the samples that a rule leaves with each run, under the name of its trend. */
export const RATE = 'prune.rate';
export const REMAINING = 'prune.remaining';

/** Earlier runs say nothing any more after so long. */
const MEMORY_MS = 90 * DAY_MS;
/** So many runs, this one included, tell a trend from an accident; and of so many at most it is made. */
const FEWEST_RUNS = 4;
const MOST_RUNS = 10;

/** How long a rule should take, by the median of earlier runs with all their pauses. */
export function expectedTime(rows: number, trend: string, { history, now }: Past): string {
  const rates = history
    .samples(RATE, trend, new Date(now.getTime() - MEMORY_MS))
    .map(({ value }) => value)
    .toSorted((a, b) => a - b);
  const rate = rates[Math.floor(rates.length / 2)];
  if (rate === undefined || rate <= 0) return 'how long it takes is not known: no run has been measured yet';
  const runs = plural(rates.length, 'run');
  return `takes about ${formatDuration((rows / rate) * 1_000)}: ${formatCount(Math.round(rate))} rows a second over ${runs}`;
}

/** More rows become old than go. */
export interface Behind {
  /** How many runs it was seen over, this one included. */
  readonly runs: number;
  /** What remained after the first of them. */
  readonly before: number;
}

/** @returns undefined where the rows that remain do not grow from run to run */
export function fallingBehind(remaining: number, trend: string, { history, now }: Past): Behind | undefined {
  const earlier = history.samples(REMAINING, trend, new Date(now.getTime() - MEMORY_MS)).slice(1 - MOST_RUNS);
  const runs = [...earlier, { at: now, value: remaining }];
  const before = runs[0]?.value ?? 0;
  if (runs.length < FEWEST_RUNS || runs.some(({ value }) => value === 0) || remaining <= before) return undefined;
  return theilSenSlope(runs) > 0 ? { runs: runs.length, before } : undefined;
}
