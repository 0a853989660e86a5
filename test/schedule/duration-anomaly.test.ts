import { expect, test } from 'vitest';
import { durationAnomaly } from '../../src/schedule/duration-anomaly.ts';

const MINUTE_MS = 60_000;
/** Twenty runs of 10 to 12 minutes. */
const USUAL = Array.from({ length: 20 }, (_, index) => (10 + index / 10) * MINUTE_MS);

test.each([
  [11 * MINUTE_MS, undefined],
  [35 * MINUTE_MS, undefined],
  [36 * MINUTE_MS, 'more than three times'],
  [MINUTE_MS + 1, undefined],
  [200, 'less than a tenth'],
])('a run of %i ms is judged by those before', (durationMs, words) => {
  const judged = durationAnomaly(durationMs, USUAL);
  if (words === undefined) expect(judged).toBeUndefined();
  else expect(judged).toContain(words);
});

test('nothing is odd where hardly anything is known, or all of it is over in no time', () => {
  expect(durationAnomaly(1, USUAL.slice(0, 4))).toBeUndefined();
  expect(durationAnomaly(900, [20, 20, 20, 20, 20, 20])).toBeUndefined();
  expect(durationAnomaly(1, [20, 20, 20, 20, 20, 20])).toBeUndefined();
});
