import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect } from 'vitest';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import type { Journal } from '../../src/engine/journal.ts';
import type { LedgerEntry } from '../../src/engine/ledger.ts';
import type { RunReport } from '../../src/engine/report.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { quietSite } from '../support/quiet-site.ts';
import { test } from '../support/state.ts';

const DAY_MS = 86_400_000;
const FIRST = Date.parse('2024-01-01T00:00:00Z');

/** So many series does each look at health bring. */
const SERIES = 5;
/** Looks of one day: far fewer than in life, for the sake of time. */
const LOOKS = 6;
/** Days that are lived between two opened journals. */
const MONTH = 30;

/** Writes down one run by hand. */
function remember(journal: Journal, command: string, at: Date, differences: Partial<RunReport> = {}): void {
  const startedAt = at.toISOString();
  const samples = [{ name: 'disk.used', subject: '/disk0', value: 1, unit: 'ratio' as const }];
  const step = stepOf('disk', 'well', { startedAt, samples });
  const run = { run: crypto.randomUUID(), command, startedAt, finishedAt: startedAt };
  journal.begin({ ...run, tier: null, slot: null, host: 'db1', pid: 1, bootId: 'boot' });
  journal.finish(reportOf([taskOf('health', step)], { ...run, ...differences }));
}

const line = (job: string, at: Date, status: LedgerEntry['status'] = 'ok'): LedgerEntry => ({
  job,
  slot: at.toISOString(),
  status,
  run: crypto.randomUUID(),
  host: 'db1',
  pid: 1,
  bootId: 'boot',
  startedAt: at.toISOString(),
  finishedAt: at.toISOString(),
  exitCode: 0,
  isCatchUp: false,
  reason: null,
  fence: null,
});

/** What a host writes in a month, and then the run that opens the journal on the day after. */
function live(folder: string, month: number): void {
  const { begins, ends } = { begins: FIRST + month * MONTH * DAY_MS, ends: FIRST + (month + 1) * MONTH * DAY_MS };
  {
    using raw = new DatabaseSync(join(folder, 'journal.sqlite'));
    raw.exec(`
      CREATE TEMP TABLE looked AS
        WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ${MONTH * LOOKS - 1})
        SELECT ${begins} + n * ${DAY_MS / LOOKS} + 60000 AS at_ms, command, hex(randomblob(16)) AS id
          FROM n, (SELECT 'tick' AS command UNION ALL SELECT 'health' UNION ALL SELECT 'daily')
         WHERE command <> 'daily' OR n % ${LOOKS} = 0`);
    raw.exec(`BEGIN;
      INSERT INTO run
        SELECT id, command, iif(command = 'daily', command, NULL), NULL, 'db1', 1, 'boot', at, at, 'done', '${REPORT}'
          FROM (SELECT *, strftime('%Y-%m-%dT%H:%M:%fZ', at_ms / 1000.0, 'unixepoch') AS at FROM looked);
      INSERT INTO task SELECT id, 'health', 'done', started_at, 5 FROM run WHERE id IN (SELECT id FROM looked);
      INSERT INTO sample SELECT 'disk.used', '/disk' || column1, at_ms, 0.5, 'ratio' FROM looked, (VALUES ${SUBJECTS});
      INSERT INTO chronicle SELECT 'alert', id, at_ms, '{"told":"someone"}' FROM looked;
      INSERT INTO ledger (job, status, run_id, host, pid, boot_id, started_at, catch_up)
        SELECT 'daily', 'ok', id, 'db1', 1, 'boot', started_at, 0 FROM run WHERE tier = 'daily' AND id IN (SELECT id FROM looked);
      COMMIT`);
  }
  using journal = openJournal(folder, new Date(ends));
  expect(journal.notices).toEqual([]);
}

/** A report has a thousand characters for each few checks. */
const REPORT = JSON.stringify({ facts: 'x'.repeat(1_000) });
const SUBJECTS = Array.from({ length: SERIES }, (_, index) => `(${index})`).join(', ');

function count(folder: string, query: string): number {
  using raw = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
  return Number(raw.prepare(`SELECT count(*) AS count FROM ${query}`).get()?.['count']);
}

const sizeOf = (folder: string): number => statSync(join(folder, 'journal.sqlite')).size;

describe('a journal over the years', () => {
  test('keeps what its retention says, of what comes often one a day, and grows no further', ({ folder }) => {
    openJournal(folder, new Date(FIRST))[Symbol.dispose]();
    for (let month = 0; month < 15; month += 1) live(folder, month);
    const size = sizeOf(folder);
    for (let month = 15; month < 42; month += 1) live(folder, month);
    expect(sizeOf(folder), 'as large after more than three years as after one').toBeLessThan(size * 1.05);
    const rows = (query: string): number => count(folder, query);
    expect(rows(`run WHERE command = 'tick'`)).toBe(LOOKS * 7);
    expect(rows(`run WHERE command = 'health'`), '370 days with one, a month with each').toBe(370 + LOOKS * 30);
    expect(rows(`run WHERE command = 'daily'`)).toBe(400);
    expect(rows('sample'), 'thinned alike').toBe(SERIES * (370 + (2 * LOOKS + 1) * 30));
    expect(rows('task')).toBe(rows('run'));
    expect(rows('ledger')).toBe(400);
    expect(rows('chronicle')).toBe((2 * LOOKS + 1) * 400);
  });

  test('gives the disk back what a year without care has taken', ({ folder }) => {
    openJournal(folder, new Date(FIRST))[Symbol.dispose]();
    {
      using raw = new DatabaseSync(join(folder, 'journal.sqlite'));
      raw.exec(`INSERT INTO sample SELECT 'disk.used', '/', ${FIRST}, value, 'ratio'
        FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 600000) SELECT * FROM n)`);
    }
    const filled = sizeOf(folder);
    openJournal(folder, new Date(FIRST + 60 * DAY_MS))[Symbol.dispose]();
    expect(filled).toBeGreaterThan(30_000_000);
    expect(sizeOf(folder)).toBeLessThan(1_000_000);
  });

  test('forgets nothing that is open, and not the newest of what is rare', async () => {
    const site = quietSite({ schedule: { catchUp: 'none' } });
    const folder = join(site.folder, 'state', 'app');
    await site.at('2024-01-01T03:17:02Z', 'daily', '--cron');
    expect((await site.at('2024-01-05T00:00:00Z', 'tick', '--cron')).exitCode, 'slots were missed').toBe(1);
    const old = new Date('2024-02-01T06:17:00Z');
    {
      using journal = openJournal(folder, old);
      journal.ledger.write(line('yearly', old));
      journal.ledger.write({ ...line('yearly', new Date('2024-01-01T06:17:00Z')), run: null, status: 'missed' });
      journal.ledger.write({ ...line('etl', old, 'running'), finishedAt: null });
      expect(journal.claimSlot('monthly', old.toISOString(), 'a')).toBe(true);
      remember(journal, 'restore', new Date('2026-10-01T06:00:00Z'));
      remember(journal, 'restore', new Date('2026-10-01T07:00:00Z'));
      remember(journal, 'health', new Date('2026-10-01T06:00:00Z'));
      remember(journal, 'health', new Date('2026-10-01T07:00:00Z'), { verdict: 'fail' });
    }
    expect((await site.at('2026-11-21T03:17:00Z', 'daily', '--cron')).exitCode).toBe(0);
    const { alerts } = JSON.parse((await site.at('2026-11-21T03:20:00Z', 'alerts', 'list', '--json')).out);
    expect(alerts).toMatchObject([{ task: 'schedule', step: 'daily' }]);
    using journal = openJournal(folder, new Date('2026-11-21T04:00:00Z'));
    expect(journal.ledger.unfinished(), 'a run that has no end is for the tick to judge').toMatchObject([
      { job: 'etl' },
    ]);
    expect(journal.ledger.entries('yearly', 10)).toHaveLength(1);
    expect(journal.claimedSlot('monthly')).toEqual({ slot: old, isFinished: false });
    const kept = journal.runs(20).map(({ command, verdict }) => `${command} ${verdict}`);
    expect(kept.filter((run) => /^(restore|health) /.test(run)).toSorted()).toEqual([
      'health done',
      'health fail',
      'restore done',
      'restore done',
    ]);
    expect(journal.samples('disk.used', '/disk0', new Date(0))).toHaveLength(1);
  });
});
