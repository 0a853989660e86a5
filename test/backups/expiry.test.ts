import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planExpiry, type Expirable } from '../../src/backups/expiry.ts';
import type { Keep } from '../../src/engine/backup-places.ts';
import { DAY_MS } from '../../src/base/units.ts';

const NOW = new Date('2027-03-01T00:00:00Z');
const RUNS = { numRuns: 1_500 };
const none: Keep = { last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, minVerified: 1 };
const gfs: Keep = { ...none, daily: 7, weekly: 4, monthly: 6 };

const timezone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati', 'Asia/Kolkata');
const small = fc.nat({ max: 6 });
const anyKeep: fc.Arbitrary<Keep> = fc.record({
  last: small,
  daily: small,
  weekly: small,
  monthly: small,
  yearly: small,
  minVerified: fc.integer({ min: 1, max: 4 }),
});
/** Around the changes of the clocks, and around the turn of years, in minutes before now. */
const WATERSHEDS = [
  '2026-03-29T00:30:00Z',
  '2026-03-29T01:30:00Z',
  '2026-10-25T00:30:00Z',
  '2026-10-25T01:30:00Z',
  '2026-11-01T05:30:00Z',
  '2026-11-01T06:30:00Z',
  '2025-12-31T23:30:00Z',
  '2026-01-01T00:30:00Z',
  '2024-12-29T12:00:00Z',
  '2024-12-30T12:00:00Z',
  '2026-12-31T12:00:00Z',
  '2027-01-03T12:00:00Z',
].map((text) => (NOW.getTime() - Date.parse(text)) / 60_000);
/** Backups of the last four years, pinned or not, some of them a little in the future, with gaps and several on a day. */
const anyBackups = fc
  .array(
    fc.record({
      minutes: fc.oneof(fc.integer({ min: -3_000, max: 4 * 365 * 24 * 60 }), fc.constantFrom(...WATERSHEDS)),
      isVerified: fc.boolean(),
      isPinned: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(({ minutes, ...rest }, index): Expirable => {
      const startedAt = new Date(NOW.getTime() - minutes * 60_000);
      return { id: `${startedAt.toISOString()}-${index}`, startedAt, ...rest };
    }),
  );

function unpinned(backups: readonly Expirable[]): readonly Expirable[] {
  return backups.map((backup) => ({ ...backup, isPinned: false }));
}

function deleted(backups: readonly Expirable[], keep: Keep, zone = 'UTC', now = NOW): readonly string[] {
  return planExpiry(backups, keep, zone, now)
    .filter(({ action }) => action === 'delete')
    .map(({ id }) => id);
}

function nightly(days: number, from = NOW): readonly Expirable[] {
  return Array.from({ length: days }, (_, day) => {
    const startedAt = new Date(from.getTime() - day * DAY_MS);
    return { id: startedAt.toISOString(), startedAt, isVerified: true };
  });
}

describe('whatever the history', () => {
  test('the newest verified backup is never deleted', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, (backups, keep, zone) => {
        const verified = backups.filter(({ isVerified }) => isVerified);
        // A clock that is five minutes ahead still counts as right.
        const past = verified.filter(({ startedAt }) => startedAt.getTime() <= NOW.getTime() + 300_000);
        const gone = deleted(backups, keep, zone);
        for (const list of [verified, past]) {
          const newest = list.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0];
          const isTied = list.filter(({ startedAt }) => startedAt.getTime() === newest?.startedAt.getTime()).length > 1;
          if (newest !== undefined && !isTied) expect(gone).not.toContain(newest.id);
        }
      }),
      RUNS,
    );
  });

  test('so many of the newest verified ones stay as minVerified says', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, (backups, keep, zone) => {
        const verified = backups.filter(({ isVerified }) => isVerified);
        const left = verified.length - deleted(backups, keep, zone).length;
        expect(left).toBeGreaterThanOrEqual(Math.min(keep.minVerified, verified.length));
      }),
      RUNS,
    );
  });

  test('what is not verified is neither deleted nor changes what becomes of others', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, (backups, keep, zone) => {
        const verified = backups.filter(({ isVerified }) => isVerified);
        expect(deleted(backups, keep, zone)).toEqual(deleted(verified, keep, zone));
      }),
      RUNS,
    );
  });

  test('each place of a rule is taken by the newest backup of its period', () => {
    fc.assert(
      fc.property(anyBackups, fc.integer({ min: 1, max: 9 }), (backups, daily) => {
        const past = backups.filter(({ isVerified, startedAt }) => isVerified && startedAt <= NOW);
        const days = [...new Set(past.map(({ startedAt }) => startedAt.toISOString().slice(0, 10)))].toSorted();
        const gone = new Set(deleted(unpinned(past), { ...none, daily }));
        for (const day of days.slice(-daily)) {
          const ofDay = past.filter(({ startedAt }) => startedAt.toISOString().startsWith(day));
          const latest = Math.max(...ofDay.map(({ startedAt }) => startedAt.getTime()));
          expect(ofDay.some(({ id, startedAt }) => startedAt.getTime() === latest && !gone.has(id))).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('one newer backup costs at most one older one per rule', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, (backups, keep, zone) => {
        const past = backups.filter(({ startedAt }) => startedAt < NOW);
        const before = new Set(deleted(past, keep, zone));
        const after = deleted([...past, { id: 'newer', startedAt: NOW, isVerified: true }], keep, zone);
        expect(after.filter((id) => !before.has(id)).length).toBeLessThanOrEqual(6);
        expect(after).not.toContain('newer');
      }),
      RUNS,
    );
  });

  test('time that passes without a new backup deletes nothing more', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, fc.nat({ max: 400 }), (backups, keep, zone, days) => {
        const past = backups.filter(({ startedAt }) => startedAt <= NOW);
        const later = new Date(NOW.getTime() + days * DAY_MS);
        expect(deleted(past, keep, zone, later)).toEqual(deleted(past, keep, zone));
      }),
      RUNS,
    );
  });

  test('one newer backup takes no place of a week or month before the oldest one has to make room', () => {
    fc.assert(
      fc.property(anyBackups, fc.constantFrom('weekly', 'monthly'), small, (backups, period, places) => {
        const keep = { ...none, [period]: places };
        const past = unpinned(backups).filter(({ startedAt }) => startedAt < NOW);
        const bucketsOf = (list: readonly Expirable[]): ReadonlyMap<string, string> =>
          new Map(
            planExpiry(list, keep, 'UTC', NOW).flatMap(({ id, reasons }) =>
              reasons.filter((reason) => reason.startsWith(period)).map((reason) => [reason, id] as const),
            ),
          );
        const before = bucketsOf(past);
        const newer = { id: 'newer', startedAt: NOW, isVerified: true };
        const after = bucketsOf([...past, newer]);
        const kept = [...after.values()].filter((id) => id !== 'newer');
        const lost = [...before].filter(([, id]) => !kept.includes(id)).map(([bucket]) => bucket);
        // Either its own bucket, which it is now the newest of, or the oldest one, once every place is taken.
        expect(lost.length).toBeLessThanOrEqual(1);
        for (const bucket of lost) {
          const isItsOwn = after.get(bucket) === 'newer';
          const isOldest = bucket === [...before.keys()].toSorted()[0] && before.size >= places;
          expect(isItsOwn || isOldest).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('a pinned backup is never deleted, and what becomes of the others is as without the pin', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, (backups, keep, zone) => {
        const pinned = new Set(backups.filter(({ isPinned }) => isPinned).map(({ id }) => id));
        const without = deleted(unpinned(backups), keep, zone);
        expect(deleted(backups, keep, zone)).toEqual(without.filter((id) => !pinned.has(id)));
      }),
      RUNS,
    );
  });

  test('nothing is deleted while one is suspicious, and afterwards the same as if it never had been', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, fc.nat(), (backups, keep, zone, which) => {
        const at = backups.length === 0 ? 0 : which % backups.length;
        const flagged = backups.map((backup, index) => ({ ...backup, isSuspicious: index === at }));
        expect(deleted(flagged, keep, zone)).toEqual([]);
        const cleared = flagged.map((backup) => ({ ...backup, isSuspicious: false }));
        expect(deleted(cleared, keep, zone)).toEqual(deleted(backups, keep, zone));
      }),
      RUNS,
    );
  });

  test('a backup that was found bad gives its places to others, and stays', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, fc.nat(), (backups, keep, zone, which) => {
        const bad = backups.filter(({ isVerified }) => isVerified).at(which % Math.max(backups.length, 1));
        const found = backups.map((backup) => (backup === bad ? { ...backup, isVerified: false } : backup));
        const others = backups.filter((backup) => backup !== bad);
        expect(deleted(found, keep, zone)).toEqual(deleted(others, keep, zone));
      }),
      RUNS,
    );
  });

  test('expiry done twice deletes nothing the second time', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, timezone, (backups, keep, zone) => {
        const gone = new Set(deleted(backups, keep, zone));
        expect(
          deleted(
            backups.filter(({ id }) => !gone.has(id)),
            keep,
            zone,
          ),
        ).toEqual([]);
      }),
      RUNS,
    );
  });

  test('the oldest go first', () => {
    fc.assert(
      fc.property(anyBackups, anyKeep, (backups, keep) => {
        const gone = deleted(backups, keep).map((id) => id.slice(0, 24));
        expect(gone).toEqual(gone.toSorted());
      }),
      RUNS,
    );
  });
});

test('seven days, four weeks and six months of nightly backups leave thirteen, for some take two places', () => {
  expect(400 - deleted(nightly(400), gfs).length).toBe(13);
});

test('an outage of 90 days deletes nothing', () => {
  const gone = deleted(nightly(400), gfs);
  const left = nightly(400).filter(({ id }) => !gone.includes(id));
  expect(deleted(left, gfs, 'UTC', new Date(NOW.getTime() + 90 * DAY_MS))).toEqual([]);
});

test('a backup dated in the future neither pushes others out nor goes itself', () => {
  const future = { id: 'future', startedAt: new Date(NOW.getTime() + 400 * DAY_MS), isVerified: true };
  expect(deleted([...nightly(3), future], { ...none, last: 3 })).toEqual([]);
});

test('of two backups that began in the same second the one with the later snapshot is the newer', () => {
  const startedAt = new Date(NOW.getTime() - DAY_MS);
  const pair = [
    { id: 'a-later', startedAt, isVerified: true, takenAt: new Date(startedAt.getTime() + 900) },
    { id: 'b-earlier', startedAt, isVerified: true, takenAt: new Date(startedAt.getTime() + 100) },
  ];
  expect(deleted(pair, { ...none, last: 1 })).toEqual(['b-earlier']);
  expect(deleted(pair.toReversed(), { ...none, daily: 1 })).toEqual(['b-earlier']);
});

test('a suspicious backup is named by those that stay because of it', () => {
  const backups = nightly(5).map((backup, index) => ({ ...backup, isSuspicious: index === 0 }));
  const [oldest] = planExpiry(backups, { ...none, last: 1 }, 'UTC', NOW);
  expect(oldest).toEqual({
    id: backups.at(-1)?.id,
    action: 'keep',
    reasons: [`${backups[0]?.id ?? ''} is suspicious and not acknowledged`],
  });
});

test('weeks belong to the year that holds their Thursday', () => {
  const newYear = ['2026-12-31', '2027-01-01', '2027-01-03', '2027-01-04'].map((day) => ({
    id: day,
    startedAt: new Date(`${day}T12:00:00Z`),
    isVerified: true,
  }));
  const fates = planExpiry(newYear, { ...none, weekly: 9 }, 'UTC', NOW);
  expect(fates.filter(({ action }) => action === 'keep')).toEqual([
    { id: '2027-01-03', action: 'keep', reasons: ['weekly 2026-W53'] },
    { id: '2027-01-04', action: 'keep', reasons: ['newest verified', 'weekly 2027-W01'] },
  ]);
});

test('days are counted in the time zone that was asked for', () => {
  const backups = ['2027-01-01T22:30:00Z', '2027-01-01T23:30:00Z'].map((time) => ({
    id: time,
    startedAt: new Date(time),
    isVerified: true,
  }));
  expect(deleted(backups, { ...none, daily: 5 }, 'UTC')).toEqual(['2027-01-01T22:30:00Z']);
  expect(deleted(backups, { ...none, daily: 5 }, 'Europe/Berlin')).toEqual([]);
});
