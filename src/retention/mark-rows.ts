import { fragment, ident, sql, type Fragment, type Identifier, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Action, Grip } from './action.ts';
import { held, heldInWords, holding } from './held-rows.ts';
import { PLAIN_ROWS } from './pace.ts';
import { listed } from './renamed.ts';

/** Rows of another table that go when a row is stripped. */
export interface Child {
  readonly table: Fragment;
  /** Its column that names the row, and the column of the row that it names. */
  readonly key: Identifier;
  readonly references: Identifier;
  /** Which of them, in brackets. */
  readonly where: Fragment;
}

/** How rows are marked, and what goes with that. */
export interface Marking {
  readonly mark: Identifier;
  /** What the mark becomes. */
  readonly value: Fragment;
  /** Columns that become NULL. */
  readonly emptied: readonly string[];
  readonly children: readonly Child[];
}

/** A few rows can already have thousands of children. */
const WITH_CHILDREN = { firstRows: 100, maxRows: 20_000, maxLimit: 2_000 };

/** Sets the mark, and empties columns in the same statement; children go first, in the same transaction. */
export function markRows(marking: Marking): Action {
  if (marking.children.length > 0) return stripRows(marking);
  return {
    ...PLAIN_ROWS,
    maxLimit: Infinity,
    take: async (inside, grip) => ({ rows: await inside.run(marksRange(marking, grip)), isWhole: true }),
    statements: (grip) => [marksRange(marking, grip)],
  };
}

/** Rows are held first, so that nobody gives one another child between the two statements. */
function stripRows(marking: Marking): Action {
  return {
    ...WITH_CHILDREN,
    async take(inside, grip) {
      const places = (await inside.rows(holding(grip))).map(({ place }) => place);
      if (places.length === 0) return { rows: 0, isWhole: true };
      let attributes = 0;
      for (const child of marking.children) attributes += await inside.run(removal(child, grip, places));
      const rows = await inside.run(marksHeld(marking, grip, places));
      if (rows !== places.length)
        throw new MaintError(
          'STATEMENT_FAILED',
          `of ${places.length} rows of ${grip.target.name} only ${rows} could be marked: nothing was changed`,
          { hint: 'Look for a trigger that changes the rows while their children go.', detail: 'prune.mark' },
        );
      return { rows, attributes, isWhole: places.length < grip.limit };
    },
    statements: (grip) => [
      holding(grip),
      ...marking.children.map((child) => removal(child, grip, heldInWords(grip))),
      marksHeld(marking, grip, heldInWords(grip)),
    ],
  };
}

function removal({ table, key, references, where }: Child, { target }: Grip, places: readonly string[]) {
  return sql`DELETE FROM ${table} WHERE ${key} IN (
               SELECT maint_0 FROM (SELECT ${references} AS maint_0 FROM ONLY ${target.table} WHERE ${held(places)}) stripped)
             AND ${where}`;
}

function marksHeld(marking: Marking, { target }: Grip, places: readonly string[]): Statement<never> {
  return sql`UPDATE ONLY ${target.table} SET ${changes(marking)} WHERE ${held(places)}`;
}

function marksRange(marking: Marking, { target: { table }, condition, isAroundLocks }: Grip): Statement<never> {
  const which = isAroundLocks
    ? fragment`ctid = ANY(ARRAY(SELECT ctid FROM ONLY ${table} WHERE ${condition} FOR UPDATE SKIP LOCKED))`
    : condition;
  return sql`UPDATE ONLY ${table} SET ${changes(marking)} WHERE ${which}`;
}

function changes({ mark, value, emptied }: Marking): Fragment {
  return listed([fragment`${mark} = ${value}`, ...emptied.map((name) => fragment`${ident(name)} = NULL`)]);
}
