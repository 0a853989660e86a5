import { createHash } from 'node:crypto';
import type { Database, Reader } from '../adapters/postgres.ts';
import { sql, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Cutoff } from './cutoff.ts';
import type { Target } from './target.ts';

/** Which sweep a cursor belongs to. */
export interface Sweeping {
  /** What the numbers of the rule are kept under. */
  readonly trend: string;
  /** All that the rule says: with another word it is another sweep. */
  readonly fingerprint: string;
}

/** How far an earlier run came. */
export interface Cursor {
  /** The first block that it did not look at. */
  readonly block: number;
  /** The cutoff that it went by. */
  readonly cutoff: Cutoff;
}

/** Remembers how far a sweep over the blocks of a table has come, in the transaction of each batch. */
export interface CursorKeeper {
  /** @param block the next one; undefined once all are done */
  save(block: number | undefined): Statement<never>;
}

/** To look at fewer blocks again takes no time. */
const MANY_BLOCKS = 1_024;

/** Ranges of an index begin where rows are; ranges of blocks begin at the first, and would read all that is done again. */
export function deservesCursor({ isIndexed, blocks }: Target): boolean {
  return !isIndexed && blocks >= MANY_BLOCKS;
}

/** Makes a fingerprint of what a rule says. */
export function fingerprintOf(rule: object): string {
  return createHash('sha256').update(JSON.stringify(rule)).digest('hex');
}

/** @returns undefined where an earlier run came to its end, was told something else, or left no word */
export async function findCursor(database: Reader, target: Target, sweeping: Sweeping): Promise<Cursor | undefined> {
  const [known] = await database.rows(IS_KEPT);
  if (known?.isKept !== true) return undefined;
  const [row] = await database.rows(select(target, sweeping));
  return row === undefined ? undefined : { block: row.block, cutoff: { at: row.at, key: row.key } };
}

/** @returns undefined where the role may keep nothing in the schema of maint, or there is none */
export async function openCursor(
  database: Database,
  target: Target,
  { sweeping, cutoff }: { readonly sweeping: Sweeping; readonly cutoff: Cutoff },
): Promise<CursorKeeper | undefined> {
  try {
    const [known] = await database.rows(IS_KEPT);
    if (known?.hasSchema !== true) return undefined;
    if (!known.isKept) await database.run(CREATE);
  } catch (error) {
    if (error instanceof MaintError && error.code === 'PERMISSION_MISSING') return undefined;
    throw error;
  }
  return {
    save: (block) => (block === undefined ? remove(target, sweeping) : upsert({ target, sweeping, cutoff, block })),
  };
}

const IS_KEPT = sql<{ hasSchema: boolean; isKept: boolean }>`
  SELECT to_regnamespace('maint') IS NOT NULL AS "hasSchema",
         coalesce(has_table_privilege(to_regclass('maint.prune_cursor'), 'SELECT'), false) AS "isKept"`;

const CREATE = sql`
  CREATE TABLE IF NOT EXISTS maint.prune_cursor (
    rule        text NOT NULL,
    relation    oid NOT NULL,
    fingerprint text NOT NULL,
    filenode    oid NOT NULL,
    block       bigint NOT NULL,
    cutoff      timestamptz NOT NULL,
    cutoff_key  text NOT NULL,
    saved_at    timestamptz NOT NULL,
    PRIMARY KEY (rule, relation)
  )`;

// A table that was rewritten has its rows in other blocks.
const select = ({ oid }: Target, { trend, fingerprint }: Sweeping) => sql<{ block: number; at: string; key: string }>`
  SELECT block::float8 AS block, to_json(cutoff) #>> '{}' AS at, cutoff_key AS key
    FROM maint.prune_cursor
   WHERE rule = ${trend} AND relation = ${oid}::oid AND fingerprint = ${fingerprint}
     AND filenode = pg_relation_filenode(${oid}::oid)`;

interface Saving {
  readonly target: Target;
  readonly sweeping: Sweeping;
  readonly cutoff: Cutoff;
  readonly block: number;
}

const upsert = ({ target: { oid }, sweeping: { trend, fingerprint }, cutoff, block }: Saving) => sql`
  INSERT INTO maint.prune_cursor AS known
         (rule, relation, fingerprint, filenode, block, cutoff, cutoff_key, saved_at)
  VALUES (${trend}, ${oid}::oid, ${fingerprint}, pg_relation_filenode(${oid}::oid), ${block}::int8, ${cutoff.at}::timestamptz,
          ${cutoff.key}, now())
  ON CONFLICT (rule, relation) DO UPDATE
    SET fingerprint = excluded.fingerprint, filenode = excluded.filenode, block = excluded.block,
        cutoff = excluded.cutoff, cutoff_key = excluded.cutoff_key, saved_at = excluded.saved_at`;

const remove = ({ oid }: Target, { trend }: Sweeping) => sql`
  DELETE FROM maint.prune_cursor WHERE rule = ${trend} AND relation = ${oid}::oid`;
