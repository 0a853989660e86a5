import fc from 'fast-check';
import { expect, test } from 'vitest';
import { select, type Candidate, type Limits } from '../../src/cleaning/select.ts';

const NOW_MS = Date.UTC(2026, 10, 21);

/** Some are of the future, as after a clock that was wrong; few sizes and ages, so that equal ones are common. */
const candidates = fc
  .array(fc.record({ ageMs: fc.integer({ min: -3, max: 40 }), bytes: fc.nat({ max: 20 }) }), { maxLength: 40 })
  .map((list) =>
    list.map(({ ageMs, bytes }, index): Candidate => ({
      path: `f${index}`,
      kind: 'file',
      device: 1,
      inode: index,
      modifiedMs: NOW_MS - ageMs,
      bytes,
      files: 1,
    })),
  );
const maybe = (max: number): fc.Arbitrary<number | undefined> => fc.option(fc.nat({ max }), { nil: undefined });
const limits: fc.Arbitrary<Limits> = fc.record({
  olderThanMs: maybe(40),
  maxTotalBytes: maybe(300),
  maxCount: maybe(40),
  keepNewest: fc.nat({ max: 10 }),
  keepYoungerThanMs: fc.nat({ max: 20 }),
  maxPerRun: fc.integer({ min: 1, max: 60 }),
});

const ageOf = ({ modifiedMs }: Candidate): number => NOW_MS - modifiedMs;

test('nothing goes that is too young, and the newest stay, whatever the limits say', () => {
  fc.assert(
    fc.property(candidates, limits, (all, limit) => {
      const { going } = select(all, limit, NOW_MS);
      for (const one of going) expect(ageOf(one)).toBeGreaterThanOrEqual(limit.keepYoungerThanMs);
      if (limit.maxTotalBytes === undefined && limit.maxCount === undefined)
        for (const one of going) expect(ageOf(one)).toBeGreaterThan(limit.olderThanMs ?? Infinity);
      expect(all.length - going.length).toBeGreaterThanOrEqual(Math.min(all.length, limit.keepNewest));
      const staying = all.filter((one) => !going.includes(one)).map(ageOf);
      const newest = all
        .map(ageOf)
        .toSorted((a, b) => a - b)
        .slice(0, limit.keepNewest);
      expect(staying.toSorted((a, b) => a - b).slice(0, limit.keepNewest)).toEqual(newest);
    }),
    { numRuns: 2_000 },
  );
});

test('the oldest go first, never more than so many, and nothing is lost count of', () => {
  fc.assert(
    fc.property(candidates, limits, (all, limit) => {
      const { going, waiting, covered, coveredBytes } = select(all, limit, NOW_MS);
      const ages = going.map(ageOf);
      expect(ages).toEqual(ages.toSorted((a, b) => b - a));
      expect(new Set(going).size).toBe(going.length);
      expect(going.length).toBeLessThanOrEqual(limit.maxPerRun);
      if (waiting > 0) expect(going.length).toBe(limit.maxPerRun);
      expect(covered).toBe(all.length);
      expect(coveredBytes).toBe(all.reduce((sum, { bytes }) => sum + bytes, 0));
      const oldestStaying = Math.max(...all.filter((one) => !going.includes(one)).map(ageOf));
      if (waiting > 0) expect(Math.min(...ages)).toBeGreaterThanOrEqual(oldestStaying);
    }),
    { numRuns: 2_000 },
  );
});

test('what stays keeps within every limit, as far as what must stay allows', () => {
  fc.assert(
    fc.property(candidates, limits, (all, limit) => {
      const { going, stayingBytes } = select(all, { ...limit, maxPerRun: 1_000 }, NOW_MS);
      const staying = all.filter((one) => !going.includes(one)).toSorted((a, b) => ageOf(a) - ageOf(b));
      expect(stayingBytes).toBe(staying.reduce((sum, { bytes }) => sum + bytes, 0));
      const free = staying.slice(limit.keepNewest).filter((one) => ageOf(one) >= limit.keepYoungerThanMs);
      if (free.length === 0) return;
      for (const one of free) expect(ageOf(one)).toBeLessThanOrEqual(limit.olderThanMs ?? Infinity);
      expect(staying.length).toBeLessThanOrEqual(limit.maxCount ?? Infinity);
      expect(stayingBytes).toBeLessThanOrEqual(limit.maxTotalBytes ?? Infinity);
    }),
    { numRuns: 2_000 },
  );
});
