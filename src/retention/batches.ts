import type { Database } from '../adapters/postgres.ts';
import { sql, type Fragment, type Statement } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import type { Tally } from './tally.ts';
import type { Target } from './target.ts';

/** Deletes one range in one short transaction. */
export interface BatchRequest {
  readonly database: Database;
  readonly target: Target;
  readonly condition: Fragment;
  readonly lockTimeoutMs: number;
}

/** What became of a batch. */
export interface BatchEnd {
  readonly rows: number;
  readonly ms: number;
  /** Sessions that waited for this transaction when it was about to end. */
  readonly waiting: number;
}

/** A batch that comes nowhere near its end is given up, and tried with fewer rows. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Deletes the rows of a range. Where another session holds a lock for longer than the limit, the same range is taken
 * once more without the rows that are locked; where even that does not go through, its rows are left for the next run.
 * @throws MaintError STATEMENT_TIMED_OUT, and whatever else the server says
 */
export async function deleteRange(request: BatchRequest, tally: Tally): Promise<BatchEnd> {
  const plain = await attempt(request, deletion(request.target, request.condition), tally);
  if (plain !== undefined) return plain;
  const around = await attempt(request, unlockedDeletion(request.target, request.condition), tally);
  if (around === undefined) return { rows: 0, ms: request.lockTimeoutMs, waiting: 0 };
  tally.skippedLocked += 1;
  return around;
}

/** @returns undefined where a lock was not to be had in time */
async function attempt(
  { database, lockTimeoutMs }: BatchRequest,
  statement: Statement<never>,
  tally: Tally,
): Promise<BatchEnd | undefined> {
  try {
    const { value, ms } = await timed(() =>
      database.transaction({ lockTimeoutMs, statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async (inside) => {
        const rows = await inside.run(statement);
        const [held] = await inside.rows(WAITING_FOR_US);
        return { rows, waiting: held?.waiting ?? 0 };
      }),
    );
    tally.batchMs.push(ms);
    return { ...value, ms };
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'LOCK_TIMED_OUT') throw error;
    tally.lockTimeouts += 1;
    return undefined;
  }
}

/** The statement that a batch runs; ONLY, as partitions and inheriting tables are targets of their own. */
export function deletion({ table }: Target, condition: Fragment): Statement<never> {
  return sql`DELETE FROM ONLY ${table} WHERE ${condition}`;
}

function unlockedDeletion({ table }: Target, condition: Fragment): Statement<never> {
  return sql`DELETE FROM ONLY ${table}
              WHERE ctid = ANY(ARRAY(SELECT ctid FROM ONLY ${table} WHERE ${condition} FOR UPDATE SKIP LOCKED))`;
}

// Asked inside the transaction, for outside it nothing is held any more. What waits for a lock everyone may see.
const WAITING_FOR_US = sql<{ waiting: number }>`
  SELECT count(DISTINCT pid)::int AS waiting
    FROM pg_locks
   WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`;
