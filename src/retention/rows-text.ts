import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { listed } from './renamed.ts';
import type { ColumnFacts } from './table-facts.ts';

/**
 * One row as one line of JSON: each value as PostgreSQL writes it to text and reads it again, in quotes, or null. Unlike
 * numbers and documents of JSON, that loses nothing: bounds of arrays, zeros with a sign, the layout of json, null in jsonb.
 */
export function lineOf(columns: readonly string[]): Fragment {
  const names = listed(columns.map((name) => fragment`${name}`));
  const values = listed(columns.map((name) => fragment`${ident(name)}::text`));
  return fragment`json_object(ARRAY[${names}]::text[], ARRAY[${values}]::text[])::text`;
}

/** The columns of such a line, each with its type again. `line` is one of type json. */
export function valuesOf(columns: readonly ColumnFacts[]): Fragment {
  return listed(
    columns.map(({ name, typeName }) => fragment`(line ->> ${name}::text)::${ident(...typeName)} AS ${ident(name)}`),
  );
}

/** How values are written, whatever the role or the database prefers; as pg_dump does it. Until the end of the transaction. */
export const EXACT_TEXT = sql<object>`
  SELECT set_config('extra_float_digits', '3', true), set_config('datestyle', 'ISO', true),
         set_config('intervalstyle', 'postgres', true), set_config('bytea_output', 'hex', true),
         set_config('timezone', 'UTC', true), set_config('xmloption', 'content', true)`;
