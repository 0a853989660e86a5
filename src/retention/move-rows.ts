import { sql, type Fragment, type Identifier, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Action, Grip } from './action.ts';
import { held, heldInWords, holding, requireAlone } from './held-rows.ts';
import type { Reference } from './references.ts';
import { columnsOf } from './renamed.ts';

/** Where rows go, and what of them. */
interface Moving {
  readonly into: Identifier;
  /** The name of that table for people. */
  readonly name: string;
  /** Columns that both tables have. */
  readonly columns: readonly string[];
  /** Foreign keys to the table that they leave. */
  readonly references: readonly Reference[];
}

interface Moved {
  readonly gone: number;
  readonly kept: number;
}

/** One statement takes the rows out of one table and puts them into another; where the counts differ nothing happens. */
export function moveRows(moving: Moving): Action {
  return {
    firstRows: 1_000,
    maxRows: 50_000,
    maxLimit: 20_000,
    async take(inside, grip) {
      const places = (await inside.rows(holding(grip))).map(({ place }) => place);
      if (places.length === 0) return { rows: 0, isWhole: true };
      await requireAlone(inside, { table: grip.target.table, places }, moving.references);
      const [moved] = await inside.rows(move(moving, grip, places));
      if (moved === undefined || moved.gone !== moved.kept || moved.gone !== places.length)
        throw new MaintError(
          'STATEMENT_FAILED',
          `of ${places.length} rows of ${grip.target.name} ${moved?.gone ?? 0} left and ${moved?.kept ?? 0} came to ${moving.name}: nothing was changed`,
          {
            hint: `Look for a trigger or rule that keeps rows from leaving, or from ${moving.name}.`,
            detail: 'prune.archive',
          },
        );
      return { rows: moved.gone, isWhole: places.length < grip.limit };
    },
    statements: (grip) => [holding(grip), move(moving, grip, heldInWords(grip))],
  };
}

function move({ into, columns }: Moving, { target: { table } }: Grip, places: readonly string[]): Statement<Moved> {
  const list: Fragment = columnsOf(columns);
  return sql<Moved>`
    WITH gone AS (DELETE FROM ONLY ${table} WHERE ${held(places)} RETURNING ${list}),
         kept AS (INSERT INTO ${into} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM gone RETURNING 1)
    SELECT (SELECT count(*) FROM gone)::float8 AS gone, (SELECT count(*) FROM kept)::float8 AS kept`;
}
