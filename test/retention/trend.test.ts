import { describe, expect, test } from 'vitest';
import type { SampleHistory } from '../../src/engine/sample.ts';
import { expectedTime, fallingBehind, type Past } from '../../src/retention/trend.ts';

const NOW = new Date('2026-07-01T02:00:00Z');
const DAY_MS = 86_400_000;

/** One sample a night, the last one yesterday. */
function past(values: readonly number[]): Past {
  const history: SampleHistory = {
    samples: (_name, _subject, since) =>
      values
        .map((value, index) => ({ at: new Date(NOW.getTime() - (values.length - index) * DAY_MS), value }))
        .filter((sample) => sample.at >= since),
  };
  return { history, now: NOW };
}

describe('a rule falls behind', () => {
  test.for<readonly [string, readonly number[], number, object | undefined]>([
    ['when more remains from run to run', [100, 200, 300], 400, { runs: 4, before: 100 }],
    ['though one night was good', [100, 250, 200, 300], 400, { runs: 5, before: 100 }],
    ['not after few runs', [100, 200], 300, undefined],
    ['not when it catches up', [400, 300, 200], 100, undefined],
    ['not when it came to its end in between', [100, 0, 300], 400, undefined],
    ['not because of what was months ago', Array.from({ length: 200 }, (_, n) => 1_000 - n), 900, undefined],
  ])('%s', ([, earlier, remaining, expected]) => {
    expect(fallingBehind(remaining, 'events', past(earlier))).toEqual(expected);
  });
});

test('the time that a rule takes is told from the median of earlier runs', () => {
  expect(expectedTime(60_000, 'events', past([10, 100, 1_000]))).toBe(
    'takes about 10 min: 100 rows a second over 3 runs',
  );
  expect(expectedTime(60_000, 'events', past([]))).toContain('not known');
});
