import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fewerRows, PLAIN_ROWS, nextRows, restMs } from '../../src/retention/pace.ts';

test.each([
  ['gentle', 5],
  ['normal', 50],
  ['full', 200],
] as const)('whatever a row costs, batches at pace %s settle at %d ms', (pace, targetMs) => {
  fc.assert(
    fc.property(fc.double({ min: targetMs / 50_000, max: targetMs / 100, noNaN: true }), (msPerRow) => {
      let rows = PLAIN_ROWS.firstRows;
      for (let batch = 0; batch < 20; batch += 1) rows = nextRows(rows, rows * msPerRow, { pace });
      expect(rows * msPerRow).toBeGreaterThan(targetMs * 0.95);
      expect(rows * msPerRow).toBeLessThan(targetMs * 1.05);
    }),
  );
});

test('a batch is at most twice as large as the one before, more only up to half the target, and within bounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 50_000 }), fc.double({ min: 0, max: 1e6, noNaN: true }), (rows, ms) => {
      const next = nextRows(rows, ms, { pace: 'full' });
      expect(next).toBeLessThanOrEqual(
        Math.min(50_000, Math.max(rows * 2, Math.min(rows * 16, (rows * 100) / Math.max(1, ms)) + 1)),
      );
      expect(next).toBeGreaterThanOrEqual(Math.max(100, Math.floor(rows / 2)));
    }),
  );
});

test('a batch that failed is tried smaller until it cannot be made smaller', () => {
  const sizes: number[] = [];
  for (let rows: number | undefined = 50_000; rows !== undefined; rows = fewerRows(rows)) sizes.push(rows);
  expect(sizes).toEqual([50_000, 12_500, 3_125, 781, 195, 100]);
});

test('the pace is the share of the time at work', () => {
  expect(restMs(100, 'gentle')).toBe(300);
  expect(restMs(100, 'normal')).toBe(100);
  expect(restMs(100, 'full')).toBe(0);
});
