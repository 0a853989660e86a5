import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MS } from '../../src/base/units.ts';
import { lifeAt, lifeThresholds } from '../../src/certificates/life.ts';

const lifetimes = fc.integer({ min: 60_000, max: 5_000 * DAY_MS });
const GRADES = ['done', 'warn', 'fail'];

test('a warning comes before the failure, and a fresh certificate is no finding', () => {
  fc.assert(
    fc.property(lifetimes, (lifetimeMs) => {
      const { warnMs, failMs } = lifeThresholds(lifetimeMs);
      expect(failMs).toBeGreaterThan(0);
      expect(warnMs).toBeGreaterThan(failMs);
      expect(lifetimeMs).toBeGreaterThan(warnMs);
    }),
  );
});

test('a certificate never gets better with time', () => {
  fc.assert(
    fc.property(
      lifetimes,
      fc.array(fc.double({ min: 0, max: 1.2, noNaN: true }), { minLength: 2 }),
      (lifetimeMs, ages) => {
        const life = { notBefore: new Date(0), notAfter: new Date(lifetimeMs) };
        const grades = ages
          .toSorted((a, b) => a - b)
          .map((age) => GRADES.indexOf(lifeAt(life, new Date(age * lifetimeMs)).grade));
        expect(grades).toEqual(grades.toSorted((a, b) => a - b));
      },
    ),
  );
});
