import type { Reader } from '../adapters/postgres.ts';
import { fragment, sql, type Fragment } from '../adapters/sql.ts';
import { doomed, type Doom } from './doomed.ts';
import type { Target } from './target.ts';

/** A piece of a table that one short transaction takes. Ranges never look back, so dead rows cost nothing twice. */
export interface Range {
  /** The rows of it that go. */
  readonly condition: Fragment;
  /** Where the next range begins; undefined at the end. */
  readonly after: Position | undefined;
  /** The same as a block, where the table is walked by blocks. */
  readonly block?: number | undefined;
}

/** A place in a table: asked for about so many rows it answers with the range that begins there. */
export type Position = (rows: number) => Promise<Range>;

/** A table with what is to go of it, and a session to look at it with. */
export interface Field {
  readonly database: Reader;
  readonly target: Target;
  readonly doom: Doom;
  /** From version 14 on the server reads a range of blocks without reading the rest. */
  readonly canReadBlocks: boolean;
  /** The block to begin at, where that is not the first. */
  readonly from?: number;
}

/** How a table is walked, in words. */
export function strategyOf({ isIndexed, key }: Target, canReadBlocks: boolean): string {
  if (isIndexed) return 'ranges of the age column, by its index';
  if (canReadBlocks) return 'ranges of blocks, as no index leads with the age column';
  const old = 'as no index leads with the age column, and the server is older than 14';
  return key === undefined
    ? `every place of one block after the other, which is slow, ${old}`
    : `ranges of the primary key, ${old}`;
}

/** @returns where to begin; undefined where no row is old */
export async function firstPosition(field: Field): Promise<Position | undefined> {
  const { isIndexed, key } = field.target;
  if (!isIndexed && !field.canReadBlocks && key !== undefined) {
    const lowest = await primaryAt(field, key, { beginning: fragment`true`, offset: 0 });
    return lowest === undefined ? undefined : primaryFrom(field, key, lowest);
  }
  if (!isIndexed)
    return blocksFrom(field, {
      from: field.from ?? 0,
      to: field.target.blocks,
      only: doomed(field.target, field.doom),
    });
  const oldest = await keyAt(field, fragment`true`, 0);
  return oldest === undefined ? undefined : keysFrom(field, oldest);
}

/** Half-open ranges of the age column: equal values are never split between two. */
function keysFrom(field: Field, low: string): Position {
  const { age, ageCast } = field.target;
  const { cutoff, where } = field.doom;
  const range = (high: string, after: Position | undefined): Range => ({
    condition: fragment`${age} >= ${low}::${ageCast} AND ${age} < ${high}::${ageCast} AND ${where}`,
    after,
  });
  return async (rows) => {
    const high = await keyAt(field, fragment`${age} >= ${low}::${ageCast}`, rows);
    if (high === undefined) return range(cutoff.key, undefined);
    if (high !== low) return range(high, keysFrom(field, high));
    const next = await keyAt(field, fragment`${age} > ${low}::${ageCast}`, 0);
    const after = next === undefined ? undefined : keysFrom(field, next);
    const isFew =
      (await keyAt(field, fragment`${age} >= ${low}::${ageCast}`, Math.min(rows * BULK, MOST_EQUAL))) !== low;
    if (isFew) return range(next ?? cutoff.key, after);
    return equalKeys(field, low, after)(rows);
  };
}

type Key = NonNullable<Target['key']>;

/** Ranges of the primary key, old rows and young ones: a server before 14 reads a range of blocks place by place. */
function primaryFrom(field: Field, key: Key, low: string): Position {
  const { column, cast } = key;
  const from = fragment`${column} >= ${low}::${cast}`;
  const old = doomed(field.target, field.doom);
  return async (rows) => {
    const high = await primaryAt(field, key, { beginning: from, offset: rows });
    if (high === undefined) return { condition: fragment`${from} AND ${old}`, after: undefined };
    return {
      condition: fragment`${from} AND ${column} < ${high}::${cast} AND ${old}`,
      after: primaryFrom(field, key, high),
    };
  };
}

interface Place {
  readonly beginning: Fragment;
  readonly offset: number;
}

/** The primary key so many rows behind a beginning; undefined behind the end. */
async function primaryAt({ database, target }: Field, { column }: Key, place: Place): Promise<string | undefined> {
  const [row] = await database.rows(sql<{ key: string }>`
    SELECT key::text AS key
      FROM (SELECT ${column} AS key FROM ONLY ${target.table} WHERE ${place.beginning}
             ORDER BY ${column} OFFSET ${place.offset}::int8 LIMIT 1) found`);
  return row?.key;
}

/** So many times the rows asked for, and so many at most, may share one value before they are split by where they lie. */
const BULK = 4;
const MOST_EQUAL = 200_000;

/** More rows with one value than fit into a batch: by blocks, between the first and the last that hold such a row. */
function equalKeys(field: Field, key: string, after: Position | undefined): Position {
  const { age, ageCast, table } = field.target;
  const only = fragment`${age} = ${key}::${ageCast} AND ${field.doom.where}`;
  return async (rows) => {
    const [span] = await field.database.rows(sql<{ low: number; high: number }>`
      SELECT min(block)::float8 AS low, max(block)::float8 AS high
        FROM (SELECT (ctid::text::point)[0] AS block FROM ONLY ${table} WHERE ${age} = ${key}::${ageCast}) held`);
    return blocksFrom(field, { from: span?.low ?? 0, to: (span?.high ?? 0) + 1, only, after })(rows);
  };
}

interface Blocks {
  readonly from: number;
  /** The block after the last. */
  readonly to: number;
  readonly only: Fragment;
  /** Where to go on behind the last block. */
  readonly after?: Position | undefined;
}

/** Ranges of blocks, up to the end that the table had at the beginning: later rows are not old. */
function blocksFrom(field: Field, { from, to, only, after }: Blocks): Position {
  return async (rows) => {
    const end = Math.min(to, from + Math.max(1, Math.round(rows / field.target.rowsPerBlock)));
    return {
      condition: fragment`${inBlocks(field, from, end)} AND ${only}`,
      after: end < to ? blocksFrom(field, { from: end, to, only, after }) : after,
      block: end < to ? end : undefined,
    };
  };
}

function inBlocks({ canReadBlocks }: Field, from: number, to: number): Fragment {
  if (canReadBlocks) return fragment`ctid >= ${`(${from},0)`}::tid AND ctid < ${`(${to},0)`}::tid`;
  // Each place where a row can lie, one by one: a line pointer and the smallest row take 28 bytes, the page head 24.
  return fragment`ctid = ANY(ARRAY(
    SELECT format('(%s,%s)', block, place)::tid
      FROM generate_series(${from}::int8, ${to - 1}::int8) block,
           generate_series(1, (current_setting('block_size')::int - 24) / 28) place))`;
}

/** The value of the age column so many rows behind a beginning; undefined where the old ones end before. */
async function keyAt(
  { database, target, doom }: Field,
  beginning: Fragment,
  offset: number,
): Promise<string | undefined> {
  const { age, ageCast, table } = target;
  // What is skipped must not be turned into JSON too.
  const [row] = await database.rows(sql<{ key: string }>`
    SELECT to_json(key) #>> '{}' AS key
      FROM (SELECT ${age} AS key FROM ONLY ${table}
             WHERE ${beginning} AND ${age} < ${doom.cutoff.key}::${ageCast}
             ORDER BY ${age}
            OFFSET ${offset}::int8 LIMIT 1) found`);
  return row?.key;
}
