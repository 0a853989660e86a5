import { formatDuration } from '../base/units.ts';
import type { LedgerEntry } from '../engine/ledger.ts';

/** Fewer earlier runs than this say nothing about what is usual. */
export const FEWEST_RUNS = 5;
/** Below this a tenth of nothing is noise. */
const SHORTEST_MS = 1_000;

/**
 * Says in words what is odd about how long a run took: more than three times what nearly all took, or less than a tenth
 * of what hardly any took. A job that ends at once has often done nothing.
 * @param earlierMs durations of earlier good runs
 * @returns undefined where it is usual, or nothing usual is known
 */
export function durationAnomaly(durationMs: number, earlierMs: readonly number[]): string | undefined {
  if (earlierMs.length < FEWEST_RUNS) return undefined;
  const sorted = earlierMs.toSorted((a, b) => a - b);
  const [low, high] = [percentile(sorted, 0.05), percentile(sorted, 0.95)];
  const took = `it took ${formatDuration(durationMs)}`;
  if (durationMs > high * 3 && durationMs > SHORTEST_MS)
    return `${took}, more than three times the ${formatDuration(high)} that 95 % of its runs stay within`;
  if (durationMs < low / 10 && low > SHORTEST_MS)
    return `${took}, less than a tenth of the ${formatDuration(low)} that 95 % of its runs take at least`;
  return undefined;
}

/** How long the runs took that came to a good end: those that failed say nothing about what is usual. */
export function goodDurationsMs(entries: readonly LedgerEntry[]): readonly number[] {
  return entries.flatMap(({ status, startedAt, finishedAt }) => {
    const isGood = status === 'ok' || status === 'late' || status === 'warn';
    return isGood && finishedAt !== null ? [Date.parse(finishedAt) - Date.parse(startedAt)] : [];
  });
}

/** The nearest rank. @see https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
