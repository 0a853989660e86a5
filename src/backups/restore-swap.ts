import type { Database } from '../adapters/postgres.ts';
import { ident, sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';

/** Two databases that change names. */
export interface Swap {
  /** The name that the application knows. */
  readonly live: string;
  /** The restored database. */
  readonly restored: string;
  /** What the live one is called afterwards; undefined where there is none any more. */
  readonly before: string | undefined;
}

/** The lines that a person types into psql to swap, connected to another database. */
export function swapLines({ live, restored, before }: Swap): readonly string[] {
  return [
    terminateLine([live, restored]),
    ...(before === undefined ? [] : [renameLine(live, before)]),
    renameLine(restored, live),
  ];
}

/** The lines that take a swap back. */
export function undoLines({ live, restored, before }: Swap): readonly string[] {
  return [
    terminateLine(before === undefined ? [live] : [live, before]),
    renameLine(live, restored),
    ...(before === undefined ? [] : [renameLine(before, live)]),
  ];
}

/** Clients connect again as soon as they were cut off, so it may take several tries. */
const TRIES = 5;

/**
 * Gives the restored database the name of the live one, in one transaction: either both names change or none.
 * @param database a session in neither of the two
 * @throws MaintError when clients of the live database keep coming back
 */
export async function swap(database: Database, { live, restored, before }: Swap): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await database.rows(sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (${live}, ${restored})`);
      await database.transaction({}, async (inside) => {
        if (before !== undefined) await inside.run(sql`ALTER DATABASE ${ident(live)} RENAME TO ${ident(before)}`);
        await inside.run(sql`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(live)}`);
      });
      return;
    } catch (error) {
      if (!(error instanceof MaintError) || error.code !== 'STATEMENT_FAILED' || attempt === TRIES) throw error;
    }
  }
}

function terminateLine(names: readonly string[]): string {
  const list = names.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ');
  return `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (${list});`;
}

function renameLine(from: string, to: string): string {
  return `ALTER DATABASE ${quoted(from)} RENAME TO ${quoted(to)};`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
