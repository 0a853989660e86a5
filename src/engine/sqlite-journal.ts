import { join } from 'node:path';
import { isFile, makePrivateDirectory } from '../adapters/directories.ts';
import { moveSqliteAside, openSqlite, openSqliteToRead, type Sqlite, type SqliteRow } from '../adapters/sqlite.ts';
import { MaintError } from '../base/errors.ts';
import { chronicleIn, shelfIn } from './document-rows.ts';
import { careFor } from './journal-care.ts';
import {
  CLAIM_SLOT,
  LAST_OF_EACH_TASK,
  runRecord,
  SELECT_RUN,
  taskRecord,
  text,
  WORTH_SHOWING,
  writeReport,
  writeStart,
  type JournalStore,
} from './journal-rows.ts';
import { MIGRATIONS } from './journal-schema.ts';
import { ledgerIn } from './ledger-rows.ts';
import type { ClaimedSlot } from './lease.ts';
import type { Ledger } from './ledger.ts';
import type { Chronicle, Journal, RunRecord, RunStart, Shelf, TaskRecord } from './journal.ts';
import type { RunReport } from './report.ts';
import type { TimedSample } from './sample.ts';

const FILE = 'journal.sqlite';

/**
 * Opens the journal in a state directory. A damaged file is moved aside; a directory that cannot be written leads to a
 * journal in memory. Either is said in `notices`.
 * @param directory the state directory; undefined keeps everything in memory, with `reason` as the notice
 */
export function openJournal(directory: string, now: Date): Journal {
  const journal = new SqliteJournal();
  journal.open(directory, now);
  return journal;
}

/** Opens the journal to look at it: nothing is made or changed, and one that is not there is an empty one. */
export function openJournalToRead(directory: string): Journal {
  const journal = new SqliteJournal();
  journal.openToRead(directory);
  return journal;
}

class SqliteJournal implements Journal {
  readonly #notices: string[] = [];
  #file: Sqlite | undefined;
  #memory: Sqlite | undefined;
  #start: RunStart | undefined;

  open(directory: string, now: Date): void {
    const path = join(directory, FILE);
    try {
      makePrivateDirectory(directory);
      this.#file = openOrReplace(path, now, this.#notices);
      this.#write((store) => careFor(store, now));
    } catch (error) {
      this.#degrade(error);
    }
  }

  openToRead(directory: string): void {
    const path = join(directory, FILE);
    if (!isFile(path)) return;
    try {
      this.#file = openSqliteToRead(path);
    } catch (error) {
      this.#degrade(error);
    }
  }

  get notices(): readonly string[] {
    return this.#notices;
  }

  get isDurable(): boolean {
    return this.#file !== undefined;
  }

  begin(start: RunStart): void {
    this.#start = start;
    this.#write((store) => writeStart(store, start));
  }

  finish(report: RunReport): void {
    this.#write((store) =>
      store.transaction(() => {
        // After a change to memory the beginning is not there yet.
        if (this.#start !== undefined) writeStart(store, this.#start);
        writeReport(store, report);
      }),
    );
  }

  runs(limit: number): readonly RunRecord[] {
    return this.#read(`${SELECT_RUN} ${WORTH_SHOWING} ORDER BY started_at DESC LIMIT ?`, [limit]).map(runRecord);
  }

  runsOfTier(tier: string, limit: number): readonly RunRecord[] {
    return this.#read(`${SELECT_RUN} WHERE tier = ? ORDER BY started_at DESC LIMIT ?`, [tier, limit]).map(runRecord);
  }

  lastOfEachTask(): readonly TaskRecord[] {
    return this.#read(LAST_OF_EACH_TASK, []).map(taskRecord);
  }

  report(run: string): string | undefined {
    const [row] = this.#read('SELECT report FROM run WHERE id = ? AND report IS NOT NULL', [run]);
    return row === undefined ? undefined : text(row, 'report');
  }

  claimSlot(job: string, slot: string, run: string): boolean {
    this.#write((store) => store.run(CLAIM_SLOT, [job, slot, run]));
    return this.#read('SELECT 1 FROM slot WHERE tier = ? AND run_id = ?', [job, run]).length > 0;
  }

  reopenSlot(job: string, slot: string): void {
    this.#write((store) => store.run('UPDATE slot SET finished_at = NULL WHERE tier = ? AND slot = ?', [job, slot]));
  }

  finishSlot(job: string, run: string, at: string): void {
    this.#write((store) => store.run('UPDATE slot SET finished_at = ? WHERE tier = ? AND run_id = ?', [at, job, run]));
  }

  claimedSlot(job: string): ClaimedSlot | undefined {
    const [row] = this.#read('SELECT slot, finished_at FROM slot WHERE tier = ?', [job]);
    return row && { slot: new Date(text(row, 'slot')), isFinished: row['finished_at'] !== null };
  }

  get ledger(): Ledger {
    return ledgerIn(this.#tables);
  }

  samples(name: string, subject: string, since: Date): readonly TimedSample[] {
    return this.#read('SELECT at_ms, value FROM sample WHERE name = ? AND subject = ? AND at_ms >= ? ORDER BY at_ms', [
      name,
      subject,
      since.getTime(),
    ]).map((row) => ({ at: new Date(Number(row['at_ms'])), value: Number(row['value']) }));
  }

  shelf(kind: string): Shelf {
    return shelfIn(this.#tables, kind);
  }

  chronicle(kind: string): Chronicle {
    return chronicleIn(this.#tables, kind);
  }

  reportsSince(at: Date, limit: number): readonly string[] {
    return this.#read(
      'SELECT report FROM run WHERE started_at >= ? AND report IS NOT NULL ORDER BY started_at LIMIT ?',
      [at.toISOString(), limit],
    ).map((row) => text(row, 'report'));
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
    this.#memory?.[Symbol.dispose]();
  }

  /** Writes; where the file refuses, says so once and writes to memory from then on, so that this run stays whole. */
  #write(work: (store: Sqlite) => void): void {
    try {
      work(this.#store());
    } catch (error) {
      this.#degrade(error);
      work(this.#store());
    }
  }

  #read(query: string, values: readonly (string | number)[]): readonly SqliteRow[] {
    try {
      return this.#store().all(query, values);
    } catch (error) {
      this.#degrade(error);
      return this.#store().all(query, values);
    }
  }

  get #tables(): JournalStore {
    return { write: (work) => this.#write(work), read: (query, values) => this.#read(query, values) };
  }

  #store(): Sqlite {
    return this.#file ?? (this.#memory ??= openSqlite(':memory:', MIGRATIONS));
  }

  #degrade(error: unknown): void {
    if (!(error instanceof MaintError) || (this.#file === undefined && this.#memory !== undefined)) throw error;
    this.#notices.push(`${error.message}; this run is not remembered`);
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }
}

function openOrReplace(path: string, now: Date, notices: string[]): Sqlite {
  try {
    return openSqlite(path, MIGRATIONS);
  } catch (error) {
    if (!(error instanceof MaintError) || error.detail !== 'state.damaged') throw error;
    const moved = moveSqliteAside(path, `.broken-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`);
    notices.push(`${error.message}; it was moved to ${moved} and a new one begun`);
    return openSqlite(path, MIGRATIONS);
  }
}
