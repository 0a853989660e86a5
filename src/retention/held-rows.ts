import type { Transaction } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment, type Identifier, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Grip } from './action.ts';
import type { Reference } from './references.ts';
import { allOf } from './renamed.ts';

/** A row of one table for the length of one transaction, as `ctid` says it. */
interface Place {
  readonly place: string;
}

/**
 * Locks the rows of a batch and says where they lie. Whoever changes a row meanwhile is waited for, and the row is asked
 * again whether it is meant; from then on nobody changes it, or refers to it anew, before the transaction ends.
 */
export function holding({ target: { table }, condition, limit, isAroundLocks }: Grip): Statement<Place> {
  const waiting = isAroundLocks ? fragment`SKIP LOCKED` : fragment``;
  return sql<Place>`
    SELECT ctid::text AS place FROM ONLY ${table} WHERE ${condition} LIMIT ${limit}::int8 FOR UPDATE ${waiting}`;
}

/** The rows that are held. */
export function held(places: readonly string[]): Fragment {
  return fragment`ctid = ANY(${places}::tid[])`;
}

/** What a dry run shows in place of rows that are held. */
export function heldInWords({ limit }: Grip): readonly string[] {
  return [`those ${limit} rows at most`];
}

/**
 * Rows of other tables that would go or change with those that are held, and would be in no archive.
 * @throws MaintError STATEMENT_FAILED where there is one: it came after the rule was looked at
 */
export async function requireAlone(
  inside: Transaction,
  { table, places }: { readonly table: Identifier; readonly places: readonly string[] },
  references: readonly Reference[],
): Promise<void> {
  for (const reference of references.filter(({ depth }) => depth === 1)) {
    const { child, childSchema, childName, columns, parentColumns, constraint } = reference;
    const same = columns.map((column, index) => fragment`c.${ident(column)} = d.${ident(parentColumns[index] ?? '')}`);
    const [row] = await inside.rows(sql<{ found: boolean }>`
      SELECT EXISTS (SELECT FROM ${ident(childSchema, childName)} c
                       JOIN (SELECT * FROM ONLY ${table} WHERE ${held(places)}) d ON ${allOf(same)}) AS found`);
    if (row?.found === true)
      throw new MaintError(
        'STATEMENT_FAILED',
        `rows of ${child} now refer to rows that were to be archived (${constraint})`,
        {
          hint: `Write a rule for ${child} and put it first.`,
          detail: 'prune.archive',
        },
      );
  }
}
