import { setTimeout } from 'node:timers/promises';
import type { Database } from '../adapters/postgres.ts';
import { sql, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';

/** Hosts that make the schema in the same instant collide in the catalogue; the one that lost looks again. */
const PREPARE_TRIES = 20;

/**
 * Makes the tables by which hosts agree, in the schema `maint` of the database, as far as they are missing. Where all is
 * there it asks for no right to make anything.
 * @param columns that are needed, as `table.column`: the newest of each table tell whether it is up to date
 * @throws MaintError PERMISSION_MISSING or READ_ONLY when the role may not
 */
export async function prepareTables(
  database: Database,
  columns: readonly string[],
  statements: readonly Statement<never>[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const [found] = await database.rows(whatIsThere(columns));
    if (found?.isComplete === true) return;
    try {
      // PostgreSQL wants the right to make a schema even where IF NOT EXISTS would make none.
      if (found?.hasSchema !== true) await database.run(sql`CREATE SCHEMA IF NOT EXISTS maint`);
      for (const statement of statements) await database.run(statement);
    } catch (error) {
      const isCollision = error instanceof MaintError && error.code === 'STATEMENT_FAILED';
      if (!isCollision || attempt === PREPARE_TRIES) throw error;
      await setTimeout(50);
    }
  }
}

const whatIsThere = (columns: readonly string[]) => sql<{ hasSchema: boolean; isComplete: boolean }>`
  SELECT to_regnamespace('maint') IS NOT NULL AS "hasSchema",
         bool_and(EXISTS (
           SELECT FROM pg_attribute
            WHERE attrelid = to_regclass('maint.' || split_part(needed, '.', 1))
              AND attname = split_part(needed, '.', 2) AND NOT attisdropped
         )) AS "isComplete"
    FROM unnest(${[...columns]}::text[]) AS needed`;
