import type { Sqlite, SqliteRow } from '../adapters/sqlite.ts';
import type { RunRecord, RunStart, TaskRecord } from './journal.ts';
import type { RunReport, StepReport } from './report.ts';
import type { Sample } from './sample.ts';

/** How tables of the journal are reached, in its file or in what stands in for it. */
export interface JournalStore {
  readonly write: (work: (store: Sqlite) => void) => void;
  readonly read: (query: string, values: readonly (string | number)[]) => readonly SqliteRow[];
}

/** Writes the beginning of a run; a second time changes nothing. */
export function writeStart(store: Sqlite, start: RunStart): void {
  store.run(
    `INSERT INTO run (id, command, tier, slot, host, pid, boot_id, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    [start.run, start.command, start.tier, start.slot, start.host, start.pid, start.bootId, start.startedAt],
  );
}

/** Writes the end of a run with its tasks, steps and samples. Call it in a transaction, after `writeStart`. */
export function writeReport(store: Sqlite, report: RunReport): void {
  store.run('UPDATE run SET finished_at = ?, verdict = ?, report = ? WHERE id = ?', [
    report.finishedAt,
    report.verdict,
    JSON.stringify(report),
    report.run,
  ]);
  for (const { task, verdict, durationMs, steps } of report.tasks) {
    const startedAt = steps[0]?.startedAt ?? report.startedAt;
    store.run('INSERT INTO task VALUES (?, ?, ?, ?, ?)', [report.run, task, verdict, startedAt, durationMs]);
    for (const { name, subject, value, unit, at } of steps.flatMap(samplesOf))
      store.run('INSERT INTO sample VALUES (?, ?, ?, ?, ?)', [name, subject, at, value, unit]);
  }
}

function samplesOf({ samples, startedAt }: StepReport): readonly (Sample & { readonly at: number })[] {
  return samples.map((sample) => ({ ...sample, at: Date.parse(startedAt) }));
}

/** A row of `LAST_OF_EACH_TASK` as a record. */
export function taskRecord(row: SqliteRow): TaskRecord {
  return {
    task: text(row, 'task'),
    verdict: text(row, 'verdict'),
    startedAt: text(row, 'started_at'),
    run: text(row, 'run_id'),
  };
}

/** A row of `SELECT_RUN` as a record. */
export function runRecord(row: SqliteRow): RunRecord {
  return {
    run: text(row, 'id'),
    command: text(row, 'command'),
    tier: nullableText(row, 'tier'),
    slot: nullableText(row, 'slot'),
    host: text(row, 'host'),
    pid: Number(row['pid']),
    bootId: text(row, 'boot_id'),
    startedAt: text(row, 'started_at'),
    finishedAt: nullableText(row, 'finished_at'),
    verdict: nullableText(row, 'verdict'),
    fence: typeof row['fence'] === 'number' ? row['fence'] : null,
  };
}

/** A column that is never null. */
export function text(row: SqliteRow, column: string): string {
  return String(row[column]);
}

function nullableText(row: SqliteRow, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : String(row[column]);
}

/** Runs as `runRecord` reads them; add WHERE and ORDER. */
export const SELECT_RUN = `SELECT id, command, tier, slot, host, pid, boot_id, started_at, finished_at, verdict, report ->> '$.fence' AS fence
     FROM run`;

/** Ticks come every five minutes; only those that found something broken, or that have no end, are news. */
export const WORTH_SHOWING = `WHERE command <> 'tick' OR verdict IN ('fail', 'crash')`;

/** The newest record of each task. */
export const LAST_OF_EACH_TASK = `
  SELECT task, verdict, started_at, run_id
    FROM (SELECT *, row_number() OVER (PARTITION BY task ORDER BY started_at DESC) AS place FROM task)
   WHERE place = 1`;

/** Moves a job on to a newer slot, or takes an unfinished one again. The column is called `tier` because tiers came first. */
export const CLAIM_SLOT = `
  INSERT INTO slot (tier, slot, run_id) VALUES (?, ?, ?)
  ON CONFLICT (tier) DO UPDATE
    SET slot = excluded.slot, run_id = excluded.run_id, finished_at = NULL
  WHERE slot.slot < excluded.slot OR (slot.slot = excluded.slot AND slot.finished_at IS NULL)`;
