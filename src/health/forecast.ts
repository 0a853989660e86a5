import { DAY_MS } from '../base/units.ts';
import type { TimedSample } from '../engine/sample.ts';
import { pairs, theilSenSlope } from '../engine/slope.ts';

/** How far back samples say something about tomorrow. */
export const FORECAST_WINDOW_MS = 28 * DAY_MS;
const LEAST_SAMPLES = 5;
const LEAST_SPAN_MS = 3 * DAY_MS;
/** Closer samples say the same thing twice; it also bounds the work, which grows with the square of their number. */
const THINNED_TO_MS = DAY_MS / 4;
/** Of the normal distribution: growth is called growth when chance would show it in fewer than 2.5 of 100 series. */
const SIGNIFICANT = 1.96;

/**
 * Says when a growing measure reaches its limit, from the newest sample on at the median speed of the window.
 * @param samples in any order; those older than four weeks before the newest are left out
 * @param limit the value to be reached
 * @returns milliseconds after the newest sample, 0 when it is reached already; undefined where there are fewer than five
 *   samples or three days, or where they do not clearly grow
 */
export function timeUntil(limit: number, samples: readonly TimedSample[]): number | undefined {
  const recent = thinned(samples);
  const [oldest, newest] = [recent[0], recent.at(-1)];
  if (oldest === undefined || newest === undefined || recent.length < LEAST_SAMPLES) return undefined;
  if (newest.at.getTime() - oldest.at.getTime() < LEAST_SPAN_MS) return undefined;
  const perMs = theilSenSlope(recent);
  if (perMs <= 0 || !clearlyGrows(recent)) return undefined;
  return Math.max(0, (limit - newest.value) / perMs);
}

/**
 * The Mann-Kendall test for a rising trend, with its correction for equal values.
 * @see https://en.wikipedia.org/wiki/Kendall_rank_correlation_coefficient#Hypothesis_test
 */
function clearlyGrows(samples: readonly TimedSample[]): boolean {
  const score = pairs(samples).reduce((sum, [a, b]) => sum + Math.sign(b.value - a.value), 0);
  const spread = (count: number): number => (count * (count - 1) * (2 * count + 5)) / 18;
  const ties = [...Map.groupBy(samples, ({ value }) => value).values()];
  const variance = spread(samples.length) - ties.reduce((sum, equal) => sum + spread(equal.length), 0);
  return variance > 0 && (score - 1) / Math.sqrt(variance) > SIGNIFICANT;
}

/** Oldest first, inside the window, the last sample of each quarter of a day. */
function thinned(samples: readonly TimedSample[]): readonly TimedSample[] {
  const inOrder = samples.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const since = (inOrder.at(-1)?.at.getTime() ?? 0) - FORECAST_WINDOW_MS;
  const recent = inOrder.filter(({ at }) => at.getTime() >= since);
  const lastOfEach = new Map(recent.map((sample) => [Math.floor(sample.at.getTime() / THINNED_TO_MS), sample]));
  return [...lastOfEach.values()];
}
