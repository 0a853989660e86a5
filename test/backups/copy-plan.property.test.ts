import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planCopies } from '../../src/backups/copy-plan.ts';
import type { Expirable } from '../../src/backups/expiry.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR_MS = 3_600_000;

const backup = fc
  .record({ hoursAgo: fc.integer({ min: 0, max: 24 * 800 }), isVerified: fc.boolean() })
  .map(({ hoursAgo, isVerified }): Expirable => ({
    id: `b${String(hoursAgo).padStart(6, '0')}`,
    startedAt: new Date(NOW.getTime() - hoursAgo * HOUR_MS),
    isVerified,
  }));
const backups = fc.uniqueArray(backup, { selector: ({ id }) => id, maxLength: 60 });
const places = fc.nat({ max: 10 });
const keep = fc.option(
  fc.record({
    last: places,
    daily: places,
    weekly: places,
    monthly: places,
    yearly: places,
    minVerified: fc.constant(1),
  }),
  { nil: undefined },
);
const copied = fc.subarray(Array.from({ length: 60 }, (_, index) => index));

/** Some of the backups lie in the other place too, whole or not. */
const situation = fc.record({ local: backups, keep, copied, whole: fc.boolean() }).map((each) => ({
  local: each.local,
  keep: each.keep,
  copied: each.copied.flatMap((index) => {
    const entry = each.local[index];
    return entry === undefined ? [] : [{ ...entry, isVerified: entry.isVerified && each.whole }];
  }),
}));

test('only verified backups are copied, and none that is there already', () => {
  fc.assert(
    fc.property(situation, ({ local, copied: there, keep: policy }) => {
      const whole = new Set(there.filter(({ isVerified }) => isVerified).map(({ id }) => id));
      for (const entry of planCopies({ local, copied: there }, { keep: policy, timezone: 'UTC', now: NOW })) {
        expect(entry.isVerified).toBe(true);
        expect(whole.has(entry.id)).toBe(false);
      }
    }),
    { numRuns: 1_500 },
  );
});

test('the newest verified backup of this host is copied before all others, whatever the place keeps', () => {
  fc.assert(
    fc.property(situation, ({ local, keep: policy }) => {
      const newest = local
        .filter(({ isVerified }) => isVerified)
        .toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0];
      const plan = planCopies({ local, copied: [] }, { keep: policy, timezone: 'UTC', now: NOW });
      expect(plan[0]?.id).toBe(newest?.id);
    }),
    { numRuns: 1_500 },
  );
});

test('once the planned ones have arrived, nothing is left to copy', () => {
  fc.assert(
    fc.property(situation, ({ local, copied: there, keep: policy }) => {
      const counting = { keep: policy, timezone: 'UTC', now: NOW };
      const sent = planCopies({ local, copied: there }, counting);
      const now = [...there.filter(({ id }) => !sent.some((entry) => entry.id === id)), ...sent];
      expect(planCopies({ local, copied: now }, counting)).toEqual([]);
    }),
    { numRuns: 1_500 },
  );
});
