import type { Sqlite } from '../adapters/sqlite.ts';
import { MaintError } from '../base/errors.ts';
import { DAY_MS } from '../base/units.ts';

/** How long runs and samples are kept: a year and a month, so that a year can be compared with the one before. */
const KEPT_DAYS = 400;
/** Ticks come every five minutes, and their reports would fill a disk. */
const KEPT_TICK_DAYS = 7;
/** Samples of every five minutes, and each report of a command that cron starts as often, are of use for a month. */
const FINE_DAYS = 30;

/**
 * Takes out of a journal what is too old, and thins what came too often, once a day. What is open stays whatever its age:
 * states of alerts, waiting messages and claims of slots lie in tables that are not touched here.
 */
export function careFor(store: Sqlite, now: Date): void {
  const day = JSON.stringify(now.toISOString().slice(0, 10));
  if (store.all(CARED_FOR)[0]?.['body'] === day) return;
  const ago = (days: number): Date => new Date(now.getTime() - days * DAY_MS);
  store.transaction(() => {
    store.run('DELETE FROM run WHERE started_at < ?', [ago(KEPT_DAYS).toISOString()]);
    store.run(`DELETE FROM run WHERE command = 'tick' AND started_at < ?`, [ago(KEPT_TICK_DAYS).toISOString()]);
    store.run(THIN_RUNS, [ago(FINE_DAYS).toISOString(), ago(FINE_DAYS).toISOString()]);
    store.run(FORGET_LEDGER, [ago(KEPT_DAYS).toISOString()]);
    store.run('DELETE FROM sample WHERE at_ms < ?', [ago(KEPT_DAYS).getTime()]);
    store.run(THIN_SAMPLES, [ago(FINE_DAYS).getTime(), ago(FINE_DAYS).getTime()]);
    store.run('DELETE FROM chronicle WHERE at_ms < ?', [ago(KEPT_DAYS).getTime()]);
    store.run(CARED, [day]);
  });
  compact(store);
}

const CARED_FOR = `SELECT body FROM shelf WHERE kind = 'thinned' AND id = 'day'`;

const CARED = `
  INSERT INTO shelf (kind, id, position, body) VALUES ('thinned', 'day', 1, ?)
  ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`;

/** Of each command and verdict the last run of a day. Rounds and restores are rare, and each of them is history. */
const THIN_RUNS = `
  DELETE FROM run
   WHERE started_at < ? AND tier IS NULL AND command <> 'restore'
     AND rowid NOT IN (SELECT max(rowid) FROM run WHERE started_at < ? AND tier IS NULL
                        GROUP BY command, verdict, substr(started_at, 1, 10))`;

/** The newest line of each job says from when on slots are owed. */
const FORGET_LEDGER = 'DELETE FROM ledger WHERE started_at < ? AND id NOT IN (SELECT max(id) FROM ledger GROUP BY job)';

/** Of each series one sample a day, the last. */
const THIN_SAMPLES = `
  DELETE FROM sample
   WHERE at_ms < ?
     AND rowid NOT IN (SELECT max(rowid) FROM sample WHERE at_ms < ? GROUP BY name, subject, at_ms / 86400000)`;

/** SQLite fills free pages again; only where they are most of a large file is it worth writing it anew. */
const WORTH_PAGES = 4_096;

/** A journal that cannot be made smaller now is none the worse for it: it needs room, and nobody else who writes. */
function compact(store: Sqlite): void {
  const free = pragma(store, 'freelist_count');
  if (free < WORTH_PAGES || free < pragma(store, 'page_count') / 2) return;
  try {
    store.run('VACUUM');
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
  }
}

function pragma(store: Sqlite, name: 'freelist_count' | 'page_count'): number {
  return Number(store.all(`PRAGMA ${name}`)[0]?.[name] ?? 0);
}
