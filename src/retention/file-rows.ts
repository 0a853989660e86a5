import { randomBytes } from 'node:crypto';
import type { Database, Transaction } from '../adapters/postgres.ts';
import { sql, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Action, Grip } from './action.ts';
import { held, heldInWords, holding, requireAlone } from './held-rows.ts';
import type { Reference } from './references.ts';
import { EXACT_TEXT, lineOf } from './rows-text.ts';
import { settleSegment, writeSegment, type SegmentHead } from './segment.ts';
import { settleAll } from './settle-segments.ts';
import type { TableFacts } from './table-facts.ts';

/** Where rows are written, and what of them. */
export interface Filing {
  /** The folder of the rule. */
  readonly folder: string;
  readonly root: TableFacts;
  readonly head: Omit<SegmentHead, 'id'>;
  /** Foreign keys to the table that they leave. */
  readonly references: readonly Reference[];
}

/** So many bytes of rows, by what is usual for the table, are held in memory at most. */
const BATCH_BYTES = 16 * 2 ** 20;
const MAX_ROWS = 20_000;
/** Of a table that nobody has counted. */
const GUESSED_ROW_BYTES = 2_000;

/**
 * Writes the rows of each batch into a segment of their own, which is flushed and read back before they leave the table
 * and gets its name once they have. A segment that was left without its name is settled by the next run.
 */
export function fileRows(filing: Filing): Action {
  const rows = Math.floor(BATCH_BYTES / Math.max(1, filing.root.rowBytes ?? GUESSED_ROW_BYTES));
  const maxLimit = Math.min(MAX_ROWS, Math.max(1, rows));
  const state: State = { pending: undefined };
  return {
    firstRows: Math.min(1_000, maxLimit),
    maxRows: 50_000,
    maxLimit,
    begin: (database: Database) => settleAll(database, filing),
    take: (inside, grip) => takeBatch(inside, grip, { ...filing, state }),
    statements: (grip) => [holding(grip), EXACT_TEXT, removal(filing, grip, heldInWords(grip))],
  };
}

interface State {
  /** The segment whose transaction has not come to its end. */
  pending: string | undefined;
}

async function takeBatch(
  inside: Transaction,
  grip: Grip,
  filing: Filing & { readonly state: State },
): ReturnType<Action['take']> {
  const { state, folder, head } = filing;
  if (state.pending !== undefined)
    throw new MaintError(
      'STATEMENT_FAILED',
      `it is not clear whether the rows of ${state.pending} have left the table`,
      {
        hint: 'Run it again: the next run finds that out first.',
        detail: 'prune.segment',
      },
    );
  const places = (await inside.rows(holding(grip))).map(({ place }) => place);
  if (places.length === 0) return { rows: 0, isWhole: true };
  await requireAlone(inside, { table: grip.target.table, places }, filing.references);
  const [clock] = await inside.rows(NAMED_AFTER);
  await inside.rows(EXACT_TEXT);
  const lines = (await inside.rows(removal(filing, grip, places))).map(({ line }) => line);
  const id = `${clock?.instant ?? ''}-${randomBytes(4).toString('hex')}`;
  await writeSegment(folder, { ...head, id }, lines);
  state.pending = id;
  return {
    rows: lines.length,
    isWhole: places.length < grip.limit,
    afterCommit: async () => {
      await settleSegment(folder, id);
      state.pending = undefined;
    },
  };
}

function removal(
  { head }: Filing,
  { target: { table } }: Grip,
  places: readonly string[],
): Statement<{ line: string }> {
  const line = lineOf(head.columns.map(({ name }) => name));
  return sql<{ line: string }>`DELETE FROM ONLY ${table} WHERE ${held(places)} RETURNING ${line} AS line`;
}

// Names that are sorted are in the order of time, whatever the clock of this host says.
const NAMED_AFTER = sql<{ instant: string }>`
  SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISSUS"Z"') AS instant`;
