import type { Database } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import type { Action, Grip, Took } from './action.ts';
import type { Tally } from './tally.ts';

/** Takes one range in one short transaction. */
export interface BatchRequest extends Omit<Grip, 'isAroundLocks'> {
  readonly database: Database;
  readonly action: Action;
  readonly lockTimeoutMs: number;
}

/** What became of a batch. */
export interface BatchEnd extends Took {
  readonly ms: number;
  /** Sessions that waited for this transaction when it was about to end. */
  readonly waiting: number;
}

/** A batch that comes nowhere near its end is given up, and tried with fewer rows. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Takes the rows of a range. Where another session holds a lock for longer than the limit, the same range is taken once
 * more without the rows that are locked; where even that does not go through, its rows are left for the next run.
 * @throws MaintError STATEMENT_TIMED_OUT, and whatever else the server says
 */
export async function takeRange(request: BatchRequest, tally: Tally): Promise<BatchEnd> {
  const plain = await attempt(request, false, tally);
  if (plain !== undefined) return plain;
  const around = await attempt(request, true, tally);
  if (around === undefined) return { rows: 0, isWhole: true, ms: request.lockTimeoutMs, waiting: 0 };
  tally.skippedLocked += 1;
  return around;
}

/** @returns undefined where a lock was not to be had in time */
async function attempt(request: BatchRequest, isAroundLocks: boolean, tally: Tally): Promise<BatchEnd | undefined> {
  const { database, action, lockTimeoutMs } = request;
  try {
    const { value, ms } = await timed(() =>
      database.transaction({ lockTimeoutMs, statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async (inside) => {
        const took = await action.take(inside, { ...request, isAroundLocks });
        const [held] = await inside.rows(WAITING_FOR_US);
        return { ...took, waiting: held?.waiting ?? 0 };
      }),
    );
    tally.batchMs.push(ms);
    tally.attributes += value.attributes ?? 0;
    return { ...value, ms };
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'LOCK_TIMED_OUT') throw error;
    tally.lockTimeouts += 1;
    return undefined;
  }
}

// Asked inside the transaction, for outside it nothing is held any more. What waits for a lock everyone may see.
const WAITING_FOR_US = sql<{ waiting: number }>`
  SELECT count(DISTINCT pid)::int AS waiting
    FROM pg_locks
   WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`;
