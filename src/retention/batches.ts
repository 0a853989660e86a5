import type { Database, Transaction } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import type { Action, Grip, Took } from './action.ts';
import type { Bookmark } from './cursor.ts';
import type { Tally } from './tally.ts';

/** Takes one range in one short transaction. */
export interface BatchRequest extends Omit<Grip, 'isAroundLocks'> {
  readonly database: Database;
  readonly action: Action;
  readonly lockTimeoutMs: number;
  /** Written down together with the batch, where the whole range is done. */
  readonly save: Bookmark | undefined;
}

/** What became of a batch. */
export interface BatchEnd extends Took {
  readonly ms: number;
  /** Where the WAL of the server was then; undefined where nothing came of it. */
  readonly walBytes?: number;
  /** Sessions that waited for this transaction when it was about to end. */
  readonly waiting: number;
}

/** A batch that comes nowhere near its end is given up, and tried with fewer rows. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Takes the rows of a range. Where another session holds a lock for longer than the limit, the same range is taken once
 * more without the rows that are locked; where even that does not go through, or the role may not lock rows, its rows are
 * left for the next run.
 * @throws MaintError STATEMENT_TIMED_OUT, and whatever else the server says
 */
export async function takeRange(request: BatchRequest, tally: Tally): Promise<BatchEnd> {
  const plain = await attempt(request, false, tally);
  if (plain !== undefined) return plain;
  if (request.target.mayLockRows) {
    const around = await attempt(request, true, tally);
    if (around !== undefined) return around;
  } else tally.lockedSkipped += await countLeft(request);
  return { rows: 0, isWhole: true, ms: request.lockTimeoutMs, waiting: 0 };
}

/** @returns undefined where a lock was not to be had in time */
async function attempt(request: BatchRequest, isAroundLocks: boolean, tally: Tally): Promise<BatchEnd | undefined> {
  const { database, action, lockTimeoutMs, save } = request;
  let left = 0;
  try {
    const { value, ms } = await timed(() =>
      database.transaction({ lockTimeoutMs, statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async (inside) => {
        const took = await action.take(inside, { ...request, isAroundLocks });
        if (isAroundLocks && took.isWhole) left = await leftIn(inside, request);
        if (save?.statement !== undefined && took.isWhole) await inside.run(save.statement);
        const [end] = await inside.rows(END);
        return { ...took, waiting: end?.waiting ?? 0, walBytes: end?.walBytes ?? 0 };
      }),
    );
    await value.afterCommit?.();
    if (value.isWhole) save?.committed?.();
    tally.lockedSkipped += left;
    tally.batchMs.push(ms);
    tally.attributes += value.attributes ?? 0;
    return { ...value, ms };
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'LOCK_TIMED_OUT') throw error;
    tally.lockTimeouts += 1;
    return undefined;
  }
}

async function countLeft(request: BatchRequest): Promise<number> {
  const { database, lockTimeoutMs } = request;
  const limits = { lockTimeoutMs, statementTimeoutMs: STATEMENT_TIMEOUT_MS };
  return database.transaction(limits, (inside) => leftIn(inside, request));
}

/** How many rows of the range are still there, as other sessions hold them. */
async function leftIn(inside: Transaction, { target: { table }, condition }: BatchRequest): Promise<number> {
  const [row] = await inside.rows(sql<{ rows: number }>`
    SELECT count(*)::float8 AS rows FROM ONLY ${table} WHERE ${condition}`);
  return row?.rows ?? 0;
}

// Asked inside the transaction, for outside it nothing is held any more. What waits for a lock everyone may see.
const END = sql<{ waiting: number; walBytes: number }>`
  SELECT count(DISTINCT pid)::int AS waiting, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS "walBytes"
    FROM pg_locks
   WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`;
