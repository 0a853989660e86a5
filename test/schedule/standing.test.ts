import { describe, expect, test } from 'vitest';
import type { LedgerEntry, LedgerStatus } from '../../src/engine/ledger.ts';
import {
  AT_WORK_ELSEWHERE,
  DONE_ELSEWHERE,
  standingOf,
  type CatchUpPolicy,
  type JobFacts,
} from '../../src/schedule/standing.ts';

const DAY_MS = 86_400_000;
const DAILY = { kind: 'cron' as const, expression: '17 3 * * *', timezone: 'UTC' };
const NOW = new Date('2026-11-21T09:00:00Z');
const LATEST: CatchUpPolicy = { catchUp: 'latest', maxAgeMs: DAY_MS / 2 };

/** 03:17 of a day in November 2026. */
const slot = (day: number): Date => new Date(Date.UTC(2026, 10, day, 3, 17));

const entry = (day: number | null, status: LedgerStatus, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  job: 'daily',
  slot: day === null ? null : slot(day).toISOString(),
  status,
  run: status === 'skipped' || status === 'missed' ? null : `run-${day}`,
  host: 'db1',
  pid: 1,
  bootId: 'boot',
  startedAt: (day === null ? NOW : slot(day)).toISOString(),
  finishedAt: null,
  exitCode: null,
  isCatchUp: false,
  reason: null,
  fence: null,
  ...more,
});

const facts = (...entries: readonly LedgerEntry[]): JobFacts => ({
  cadence: DAILY,
  entries,
  knownSince: undefined,
  graceMs: 30 * 60_000,
});
const days = (slots: readonly Date[]): readonly number[] => slots.map((each) => each.getUTCDate());

describe('where a job stands', () => {
  test('after three days without a run: three slots are missed, and the policy says which are made up for', () => {
    const known = facts(entry(18, 'ok'));
    const standing = standingOf(known, undefined, NOW);
    expect(days(standing.missed)).toEqual([19, 20, 21]);
    expect(standing.due).toEqual([]);
    expect(standing.next).toEqual(slot(22));
    const due = (catchUp: CatchUpPolicy['catchUp'], maxAgeMs: number): readonly number[] =>
      days(standingOf(known, { catchUp, maxAgeMs }, NOW).due);
    expect(due('latest', DAY_MS / 2)).toEqual([21]);
    expect(due('none', DAY_MS / 2)).toEqual([]);
    expect(due('all', 7 * DAY_MS)).toEqual([19, 20, 21]);
    expect(due('all', DAY_MS * 1.5)).toEqual([20, 21]);
    expect(due('latest', DAY_MS / 8)).toEqual([]);
    expect(days(standingOf(known, LATEST, NOW).givenUp)).toEqual([19, 20]);
  });

  test('that was never seen owes nothing, and from then on what comes', () => {
    expect(standingOf(facts(), LATEST, NOW)).toMatchObject({ last: undefined, missed: [], due: [], givenUp: [] });
    const seen = { ...facts(), knownSince: new Date('2026-11-20T12:00:00Z') };
    expect(days(standingOf(seen, LATEST, NOW).due)).toEqual([21]);
  });

  test('whose schedule has changed owes nothing from before', () => {
    const changed = { ...facts(entry(18, 'ok')), knownSince: new Date('2026-11-21T08:00:00Z') };
    expect(standingOf(changed, LATEST, NOW)).toMatchObject({ missed: [], due: [], givenUp: [] });
  });

  test('that is merely late is due, whatever the policy, and not missed', () => {
    const soon = new Date('2026-11-21T03:20:00Z');
    const standing = standingOf(facts(entry(20, 'failed')), { catchUp: 'none', maxAgeMs: DAY_MS }, soon);
    expect({ missed: standing.missed, due: days(standing.due) }).toEqual({ missed: [], due: [21] });
  });

  test('that is at work is neither due nor missed', () => {
    const standing = standingOf(facts(entry(18, 'running')), LATEST, NOW);
    expect(standing).toMatchObject({ isRunning: true, missed: [], due: [], givenUp: [] });
  });

  test('whose run was killed owes that slot, three times and no more', () => {
    const killed = entry(21, 'killed');
    expect(days(standingOf(facts(killed), LATEST, NOW).due)).toEqual([21]);
    expect(days(standingOf(facts(killed, killed), LATEST, NOW).due)).toEqual([21]);
    const thrice = standingOf(facts(killed, killed, killed), LATEST, NOW);
    expect({ due: thrice.due, givenUp: days(thrice.givenUp) }).toEqual({ due: [], givenUp: [21] });
  });

  test('tells skipped from missed, with the reason, and tries again', () => {
    const skip = entry(21, 'skipped', { reason: 'another run held the lock' });
    const standing = standingOf(facts(skip, entry(19, 'ok')), LATEST, NOW);
    expect(days(standing.missed)).toEqual([20]);
    expect(standing.skipped).toEqual([{ slot: slot(21), reason: 'another run held the lock' }]);
    expect(days(standing.due)).toEqual([21]);
  });

  test('counts what another host has done, or is doing', () => {
    const done = standingOf(facts(entry(21, 'skipped', { reason: DONE_ELSEWHERE }), entry(18, 'ok')), LATEST, NOW);
    expect(done).toMatchObject({ missed: [], skipped: [], due: [], last: { run: 'run-18' } });
    const doing = standingOf(facts(entry(21, 'skipped', { reason: AT_WORK_ELSEWHERE }), entry(20, 'ok')), LATEST, NOW);
    expect(doing).toMatchObject({ missed: [], skipped: [], due: [slot(21)] });
  });

  test('says once which slots nobody will run', () => {
    const noted = facts(entry(20, 'missed'), entry(19, 'missed'), entry(18, 'ok'));
    const standing = standingOf(noted, { catchUp: 'none', maxAgeMs: DAY_MS }, NOW);
    expect(days(standing.missed)).toEqual([19, 20, 21]);
    expect(days(standing.givenUp)).toEqual([21]);
  });
});
