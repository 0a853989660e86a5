import { expect, test } from 'vitest';
import { rtoTrend } from '../../src/backups/rto-trend.ts';
import { DAY_MS } from '../../src/base/units.ts';
import type { TimedSample } from '../../src/engine/sample.ts';

const START = Date.UTC(2026, 0, 1);

/** One restore a month. */
function monthly(...seconds: readonly number[]): {
  readonly earlier: readonly TimedSample[];
  readonly newest: TimedSample;
} {
  const samples = seconds.map((value, index) => ({ at: new Date(START + index * 30 * DAY_MS), value }));
  const newest = samples.at(-1);
  if (newest === undefined) throw new Error('no samples');
  return { earlier: samples.slice(0, -1), newest };
}

function details(trend: Parameters<typeof rtoTrend>[0]): readonly string[] {
  return rtoTrend(trend).map(({ detail }) => detail);
}

test('a restore that takes as long as ever is no news, and neither is one that is faster', () => {
  expect(details({ ...monthly(100, 110, 95, 105), limitMs: 3_600_000 })).toEqual([]);
  expect(details({ ...monthly(100, 110, 95, 20), limitMs: undefined })).toEqual([]);
});

test('a quarter more than usual is said, but not of a few seconds, and not after too few restores', () => {
  expect(details({ ...monthly(100, 110, 95, 140), limitMs: undefined })).toEqual(['rto.growing']);
  expect(details({ ...monthly(10, 11, 9, 15), limitMs: undefined })).toEqual([]);
  expect(details({ ...monthly(100, 110, 140), limitMs: undefined })).toEqual([]);
});

test('one slow restore among the earlier ones does not change what is usual', () => {
  expect(details({ ...monthly(100, 900, 100, 140), limitMs: undefined })).toEqual(['rto.growing']);
});

test('steady growth that will cross the target within half a year is said with the time that is left', () => {
  const growing = monthly(1_000, 1_100, 1_200, 1_300, 1_400);
  expect(rtoTrend({ ...growing, limitMs: 1_600_000 })).toMatchObject([
    { detail: 'rto.forecast', message: expect.stringContaining('in 60 ') },
  ]);
  expect(details({ ...growing, limitMs: 3_600_000 })).toEqual([]);
});

test('a target that is missed already is for the finding, not for the trend', () => {
  expect(details({ ...monthly(1_000, 1_100, 1_200, 1_700), limitMs: 1_600_000 })).toEqual([]);
});
