import type { SqliteRow } from '../adapters/sqlite.ts';
import type { JournalStore } from './journal-rows.ts';
import type { KnownJob, Ledger, LedgerEntry, LedgerStatus } from './ledger.ts';

/** The ledger in the tables of the journal. */
export function ledgerIn({ write, read }: JournalStore): Ledger {
  return {
    write: (entry) => write((store) => store.run(WRITE, valuesOf(entry))),
    note: (entry) => write((store) => store.run(NOTE, [...valuesOf(entry), entry.job, entry.slot, entry.reason])),
    entries: (job, limit) => read(`${SELECT} WHERE job = ? ORDER BY id DESC LIMIT ?`, [job, limit]).map(entryOf),
    unfinished: () => read(`${SELECT} WHERE status = 'running' ORDER BY id DESC`, []).map(entryOf),
    known: () => read('SELECT job, schedule, since FROM job', []).map(knownOf),
    know: ({ job, schedule, since }) => write((store) => store.run(KNOW, [job, schedule, since])),
  };
}

function valuesOf(entry: LedgerEntry): (string | number | null)[] {
  const { job, slot, status, run, host, pid, bootId, startedAt, finishedAt, exitCode, isCatchUp, reason, fence } =
    entry;
  return [job, slot, status, run, host, pid, bootId, startedAt, finishedAt, exitCode, Number(isCatchUp), reason, fence];
}

const STATUSES: readonly LedgerStatus[] = ['running', 'ok', 'warn', 'failed', 'late', 'killed', 'skipped', 'missed'];

function entryOf(row: SqliteRow): LedgerEntry {
  const text = (column: string): string => String(row[column]);
  const nullable = (column: string): string | null => (row[column] === null ? null : text(column));
  return {
    job: text('job'),
    slot: nullable('slot'),
    status: STATUSES.find((status) => status === row['status']) ?? 'failed',
    run: nullable('run_id'),
    host: text('host'),
    pid: Number(row['pid']),
    bootId: text('boot_id'),
    startedAt: text('started_at'),
    finishedAt: nullable('finished_at'),
    exitCode: row['exit_code'] === null ? null : Number(row['exit_code']),
    isCatchUp: row['catch_up'] === 1,
    reason: nullable('reason'),
    // A journal that is only looked at may be from before there was a fence.
    fence: typeof row['fence'] === 'number' ? row['fence'] : null,
  };
}

function knownOf(row: SqliteRow): KnownJob {
  return { job: String(row['job']), schedule: String(row['schedule']), since: String(row['since']) };
}

const COLUMNS =
  'job, slot, status, run_id, host, pid, boot_id, started_at, finished_at, exit_code, catch_up, reason, fence';

const SELECT = 'SELECT * FROM ledger';

const WRITE = `
  INSERT INTO ledger (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (run_id) DO UPDATE
    SET status = excluded.status, pid = excluded.pid, finished_at = excluded.finished_at, exit_code = excluded.exit_code,
        reason = excluded.reason, fence = excluded.fence`;

const NOTE = `
  INSERT INTO ledger (${COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
   WHERE NOT EXISTS (SELECT 1 FROM ledger WHERE job = ? AND slot IS ? AND reason IS ? AND run_id IS NULL)`;

const KNOW = `
  INSERT INTO job (job, schedule, since) VALUES (?, ?, ?)
  ON CONFLICT (job) DO UPDATE SET schedule = excluded.schedule, since = excluded.since`;
