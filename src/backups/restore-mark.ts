import { isGone } from '../adapters/process-owner.ts';
import type { ProcessOwner } from '../adapters/process-owner.ts';
import type { Database, Reader } from '../adapters/postgres.ts';
import { ident, sql } from '../adapters/sql.ts';
import { readOwner } from './staging.ts';

/** A database that a restore has begun to fill and not finished. */
export interface Unfinished {
  readonly database: string;
  /** Id of the backup. */
  readonly backup: string;
  readonly owner: ProcessOwner;
  /** The process that filled it is known to be gone: nobody will finish it. */
  readonly isDead: boolean;
}

const MARK = /^maint: unfinished restore of backup (\S+) by (\{.*\})$/;

/** The comment of a database while it is filled, so that one that a killed restore left can be told from all others. */
export function unfinishedMark(backup: string, owner: ProcessOwner): string {
  return `maint: unfinished restore of backup ${backup} by ${JSON.stringify(owner)}`;
}

/** Says of a database that nobody fills it any more. */
export async function markEnded(database: Database, name: string, isGood: boolean): Promise<void> {
  await database.run(
    isGood
      ? sql`COMMENT ON DATABASE ${ident(name)} IS 'maint: restored, and compared with its backup'`
      : sql`COMMENT ON DATABASE ${ident(name)} IS 'maint: a restore that failed, kept for a look'`,
  );
}

/**
 * Lists the databases of a server that restores have begun and not finished, by name.
 * @throws MaintError when the server cannot be asked
 */
export async function findUnfinished(database: Reader): Promise<readonly Unfinished[]> {
  const rows = await database.rows(marked);
  const found = await Promise.all(
    rows.map(async ({ name, comment }) => {
      const [, backup = '', text = ''] = MARK.exec(comment) ?? [];
      const owner = readOwner(text);
      return owner === undefined ? [] : [{ database: name, backup, owner, isDead: await isGone(owner) }];
    }),
  );
  return found.flat();
}

const marked = sql<{ name: string; comment: string }>`
  SELECT datname::text AS name, shobj_description(oid, 'pg_database') AS comment
    FROM pg_database
   WHERE shobj_description(oid, 'pg_database') LIKE 'maint: unfinished restore of backup %'
   ORDER BY 1`;
