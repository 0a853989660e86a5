import { setTimeout } from 'node:timers/promises';
import type { Database } from '../adapters/postgres.ts';
import { sql, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';

/** Hosts that make the schema in the same instant collide in the catalogue; the one that lost looks again. */
const PREPARE_TRIES = 20;

/**
 * Makes the tables by which hosts agree, in the schema `maint` of the database, where they are missing.
 * @param names with the schema
 * @throws MaintError PERMISSION_MISSING or READ_ONLY when the role may not
 */
export async function prepareTables(
  database: Database,
  names: readonly string[],
  statements: readonly Statement<never>[],
): Promise<void> {
  for (let attempt = 1; !(await areThere(database, names)); attempt += 1) {
    try {
      await database.run(sql`CREATE SCHEMA IF NOT EXISTS maint`);
      for (const statement of statements) await database.run(statement);
    } catch (error) {
      const isCollision = error instanceof MaintError && error.code === 'STATEMENT_FAILED';
      if (!isCollision || attempt === PREPARE_TRIES) throw error;
      await setTimeout(50);
    }
  }
}

async function areThere(database: Database, names: readonly string[]): Promise<boolean> {
  const [found] = await database.rows(tablesAreThere(names));
  return found?.areThere === true;
}

const tablesAreThere = (names: readonly string[]) => sql<{ areThere: boolean }>`
  SELECT bool_and(to_regclass(name) IS NOT NULL) AS "areThere" FROM unnest(${[...names]}::text[]) AS name`;
