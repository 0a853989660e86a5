import { chmodSync, existsSync, renameSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { MaintError } from '../base/errors.ts';

/** One row as SQLite gives it. */
export type SqliteRow = Readonly<Record<string, SQLOutputValue>>;

/** A SQLite file with its schema brought up to date. */
export interface Sqlite extends Disposable {
  /** @throws MaintError STATE_UNUSABLE when SQLite refuses: full disk, read-only file, damage */
  all(text: string, values?: readonly SQLInputValue[]): readonly SqliteRow[];
  /** @throws MaintError STATE_UNUSABLE */
  run(text: string, values?: readonly SQLInputValue[]): void;
  /** All of it or nothing. @throws MaintError STATE_UNUSABLE, or what the work throws */
  transaction(work: () => void): void;
}

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens a SQLite file in WAL mode, creates it 0600 where it is missing, and applies the migrations it has not seen yet.
 * @param path a file path, or `:memory:`
 * @param migrations in order, each applied once in a transaction of its own; never change one that was released
 * @throws MaintError STATE_UNUSABLE when the file cannot be opened, written or understood
 */
export function openSqlite(path: string, migrations: readonly string[]): Sqlite {
  const name = path === ':memory:' ? 'the journal in memory' : path;
  const database = guarded(name, () => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }));
  try {
    guarded(name, () => {
      if (path !== ':memory:') chmodSync(path, 0o600);
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
      migrate(database, migrations);
    });
  } catch (error) {
    database.close();
    throw error;
  }
  return wrap(database, name);
}

/**
 * Opens a SQLite file to look at it, without bringing it up to date.
 * @throws MaintError STATE_UNUSABLE when it is not there, or cannot be read
 */
export function openSqliteToRead(path: string): Sqlite {
  return wrap(
    guarded(path, () => new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })),
    path,
  );
}

/**
 * Moves a damaged SQLite file and its companions out of the way.
 * @param suffix added to each name, such as `.broken-20261121T020000Z`
 * @returns the new name of the main file
 */
export function moveSqliteAside(path: string, suffix: string): string {
  return guarded(path, () => {
    for (const part of ['', '-wal', '-shm'])
      if (existsSync(path + part)) renameSync(path + part, `${path}${suffix}${part}`);
    return path + suffix;
  });
}

function wrap(database: DatabaseSync, name: string): Sqlite {
  return {
    all: (text, values = []) => guarded(name, () => database.prepare(text).all(...values)),
    run: (text, values = []) => void guarded(name, () => database.prepare(text).run(...values)),
    transaction: (work) => {
      guarded(name, () => database.exec('BEGIN IMMEDIATE'));
      try {
        work();
        guarded(name, () => database.exec('COMMIT'));
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function migrate(database: DatabaseSync, migrations: readonly string[]): void {
  // The version is read again inside the transaction: another maint may have migrated between the two looks.
  if (version(database) === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const from = version(database);
    if (from > migrations.length) throw new Error(`it was written by a newer maint (schema ${from})`);
    for (const migration of migrations.slice(from)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function version(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function guarded<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof MaintError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new MaintError('STATE_UNUSABLE', `${name} cannot be used: ${said}`, { cause, ...damage(cause) });
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB mean that the file itself is damaged. @see https://www.sqlite.org/rescode.html */
const DAMAGED = new Set([11, 26]);

function damage(cause: unknown): { readonly detail?: string } {
  const isDamaged =
    cause instanceof Error &&
    'errcode' in cause &&
    typeof cause.errcode === 'number' &&
    DAMAGED.has(cause.errcode & 0xff);
  return isDamaged ? { detail: 'state.damaged' } : {};
}
