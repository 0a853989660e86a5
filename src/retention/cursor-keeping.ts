import type { Database, Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import type { Memory } from '../engine/memory.ts';
import type { Cursor, CursorKeeper, Places, Sweeping } from './cursor.ts';
import { inMemory, keeperIn } from './cursor-memory.ts';
import type { Cutoff } from './cutoff.ts';
import type { Target } from './target.ts';

/**
 * @param latest the cutoff of today: a later one is not gone by, whoever wrote it down
 * @returns undefined where an earlier run came to its end, was told something else, or left no word
 */
export async function findCursor(
  { database, memory }: Places,
  target: Target,
  { sweeping, latest }: { readonly sweeping: Sweeping; readonly latest: Cutoff },
): Promise<Cursor | undefined> {
  const [room] = await database.rows(ROOM);
  const cursor =
    room?.canKeep === true || room?.canMake === true
      ? await inDatabase(database, room, select(target, sweeping))
      : await inMemory({ database, memory }, target, sweeping);
  return cursor === undefined || Date.parse(cursor.cutoff.at) > Date.parse(latest.at) ? undefined : cursor;
}

async function inDatabase(
  database: Reader,
  { canKeep }: Room,
  statement: ReturnType<typeof select>,
): Promise<Cursor | undefined> {
  if (!canKeep) return undefined;
  const [row] = await database.rows(statement);
  return row && { block: row.block, cutoff: { at: row.at, key: row.key } };
}

/** @returns undefined where neither the database nor a journal takes it */
export async function openCursor(
  { database, memory }: { readonly database: Database; readonly memory?: Memory | undefined },
  target: Target,
  { sweeping, cutoff }: { readonly sweeping: Sweeping; readonly cutoff: Cutoff },
): Promise<CursorKeeper | undefined> {
  if (!(await isMade(database))) return memory && keeperIn({ database, memory }, target, { sweeping, cutoff });
  return {
    save: (block) => ({
      statement: block === undefined ? remove(target, sweeping) : upsert({ target, sweeping, cutoff, block }),
    }),
  };
}

async function isMade(database: Database): Promise<boolean> {
  const [room] = await database.rows(ROOM);
  if (room?.canKeep === true) return true;
  if (room?.canMake !== true) return false;
  await database.run(CREATE);
  return true;
}

interface Room {
  /** The table is there, and the role may do with it whatever is needed. */
  readonly canKeep: boolean;
  /** The table is missing, and the role may make it. */
  readonly canMake: boolean;
}

// By the catalogue: to_regclass fails where the role may not use the schema.
const ROOM = sql<Room>`
  SELECT coalesce(has_schema_privilege(n.oid, 'USAGE') AND c.isOurs, false) AS "canKeep",
         has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AND c.isOurs IS NULL AS "canMake"
    FROM pg_namespace n
    LEFT JOIN LATERAL (
      SELECT has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
             AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE') AS isOurs
        FROM pg_class WHERE relnamespace = n.oid AND relname = 'prune_cursor') c ON true
   WHERE n.nspname = 'maint'`;

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
