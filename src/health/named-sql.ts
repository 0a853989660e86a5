import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { condition, sql, type Fragment } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';

/** A question in SQL that a person wrote: bracketed, it can be nothing but one SELECT, and the session is read-only too. */
export const querySetting = z
  .string()
  .refine(
    (text) => condition(text) !== undefined,
    'write one SELECT without semicolon, comment and $, with all quotes and brackets closed',
  );

/** What a question is called in reports. */
export const nameSetting = z.string().min(1).max(80).describe('What reports call it');

/** Of several settings with a name each. */
export function namesDiffer(items: readonly { readonly name: string }[]): boolean {
  return new Set(items.map(({ name }) => name)).size === items.length;
}

/** For `refine`, together with `namesDiffer`. */
export const SAME_NAME = 'two of them have the same name';

/**
 * The query of a setting for the FROM of a statement, in brackets of its own.
 * @throws MaintError CONFIG_INVALID where it could reach beyond them, which its setting has refused before
 */
export function subquery(text: string): Fragment {
  const inside = condition(text);
  if (inside === undefined) throw new MaintError('CONFIG_INVALID', `this is not one SELECT: ${text}`);
  return inside;
}

/**
 * Asks for one number.
 * @returns undefined where no row comes back, or NULL
 * @throws MaintError STATEMENT_FAILED where PostgreSQL refuses the query, or its first column is no number
 */
export async function numberOf(database: Reader, query: string): Promise<number | undefined> {
  const [row] = await database.rows(
    sql<{
      value: number | null;
    }>`SELECT value::text::float8 AS value FROM ${subquery(query)} AS answer (value) LIMIT 1`,
  );
  return row?.value ?? undefined;
}
