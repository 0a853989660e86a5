import type { Snapshot } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';

/** The server said no to one question, and will answer the next. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['STATEMENT_FAILED', 'PERMISSION_MISSING', 'READ_ONLY']);

/**
 * Asks something that a backup can do without: a refusal leaves the snapshot as it was.
 * @returns the answer, or the refusal
 * @throws MaintError for everything else, such as a lost connection
 */
export async function attempt<T>(snapshot: Pick<Snapshot, 'rows'>, work: () => Promise<T>): Promise<T | MaintError> {
  await snapshot.rows(sql`SAVEPOINT maint_attempt`);
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MaintError) || !REFUSALS.has(error.code)) throw error;
    await snapshot.rows(sql`ROLLBACK TO SAVEPOINT maint_attempt`);
    return error;
  }
}
