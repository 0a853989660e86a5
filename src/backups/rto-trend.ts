import { DAY_MS, formatDuration } from '../base/units.ts';
import type { TimedSample } from '../engine/sample.ts';
import { theilSenSlope } from '../engine/slope.ts';
import type { RestoreFinding } from './restore-checks.ts';

/** How long restores took before, and how long they may take. */
interface Trend {
  /** Seconds, oldest first, without the newest. */
  readonly earlier: readonly TimedSample[];
  /** Seconds. */
  readonly newest: TimedSample;
  /** Undefined where no target is set. */
  readonly limitMs: number | undefined;
}

/** Fewer say nothing about what is usual. */
const LEAST_EARLIER = 3;
const GROWN_BY = 1.25;
/** Below this a quarter more is noise. */
const LEAST_GROWTH_SECONDS = 10;
const LEAST_SPAN_MS = 45 * DAY_MS;
const LOOK_AHEAD_MS = 180 * DAY_MS;

/**
 * What the trend of the recovery time asks for, before its target is missed: it grew by a quarter over what was usual,
 * or it will cross its target within half a year at the median speed so far.
 */
export function rtoTrend({ earlier, newest, limitMs }: Trend): readonly RestoreFinding[] {
  if (earlier.length < LEAST_EARLIER || (limitMs !== undefined && newest.value * 1_000 > limitMs)) return [];
  return [...grown(newest, earlier), ...(limitMs === undefined ? [] : foreseen([...earlier, newest], newest, limitMs))];
}

function grown(newest: TimedSample, earlier: readonly TimedSample[]): readonly RestoreFinding[] {
  const usual = median(earlier.map(({ value }) => value));
  if (newest.value <= usual * GROWN_BY || newest.value - usual < LEAST_GROWTH_SECONDS) return [];
  const message = `the restore took ${formatDuration(newest.value * 1_000)}, usual are ${formatDuration(usual * 1_000)}`;
  return [{ detail: 'rto.growing', message }];
}

function foreseen(samples: readonly TimedSample[], newest: TimedSample, limitMs: number): readonly RestoreFinding[] {
  const first = samples[0]?.at.getTime() ?? newest.at.getTime();
  if (newest.at.getTime() - first < LEAST_SPAN_MS) return [];
  const secondsPerMs = theilSenSlope(samples);
  const untilMs = (limitMs / 1_000 - newest.value) / secondsPerMs;
  if (secondsPerMs <= 0 || untilMs > LOOK_AHEAD_MS) return [];
  const message = `at this growth a restore takes longer than ${formatDuration(limitMs)} in ${formatDuration(untilMs)}`;
  return [{ detail: 'rto.forecast', message }];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
