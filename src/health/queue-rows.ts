import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';

/** A queue that was found in the catalogue. */
export interface FoundQueue {
  /** Library and schema: `graphile-worker graphile_worker`. */
  readonly name: string;
  readonly kind: 'graphile-worker' | 'pg-boss' | 'hotmesh';
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** Where a queue stands. */
export interface QueueReading {
  readonly name: string;
  /** Since when the oldest job could run; null where none waits. */
  readonly readyMs: number | null;
  /** How many jobs nobody will try again. */
  readonly dead: number;
  /** The statement to look with. */
  readonly look: string;
}

interface TableRow {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** What tells the tables of each library from others of the same name. */
const SIGNS: readonly (readonly [FoundQueue['kind'], tables: readonly string[], columns: readonly string[]])[] = [
  ['graphile-worker', ['jobs'], ['task_identifier', 'run_at', 'attempts', 'max_attempts', 'locked_at']],
  ['pg-boss', ['job'], ['name', 'state', 'singleton_key', 'keep_until', 'start_after']],
  ['pg-boss', ['job'], ['name', 'state', 'singletonkey', 'keepuntil', 'startafter']],
  ['hotmesh', ['streams', 'engine_streams', 'worker_streams'], ['stream_name', 'message', 'reserved_at', 'expired_at']],
];

/**
 * Looks into the catalogue for the tables of known job queues.
 * @throws MaintError when the database does not answer
 */
export async function discoverQueues(database: Reader): Promise<readonly FoundQueue[]> {
  const tables = await database.rows(TABLES);
  return tables.flatMap(({ schema, table, columns }) => {
    const sign = SIGNS.find(
      ([, names, signs]) => names.includes(table) && signs.every((each) => columns.includes(each)),
    );
    if (sign === undefined) return [];
    const [kind] = sign;
    const name = kind === 'hotmesh' ? `${kind} ${schema}.${table}` : `${kind} ${schema}`;
    return [{ name, kind, schema, table, columns }];
  });
}

/**
 * Asks a queue for its oldest job that could run, and for those that nobody will try again.
 * @throws MaintError PERMISSION_MISSING where the role may not read it
 */
export async function readQueue(database: Reader, queue: FoundQueue): Promise<QueueReading> {
  const { name, schema, table, kind } = queue;
  const { ready, since, dead } = conditionsOf(queue);
  const [row] = await database.rows(sql<{ readyMs: number | null; dead: number }>`
    SELECT (SELECT (extract(epoch FROM clock_timestamp() - min(${since})) * 1000)::float8
              FROM ${ident(schema, table)} WHERE ${ready}) AS "readyMs",
           (SELECT count(*)::float8 FROM ${ident(schema, table)} WHERE ${dead}) AS dead`);
  return { name, readyMs: row?.readyMs ?? null, dead: row?.dead ?? 0, look: LOOK[kind](`"${schema}"."${table}"`) };
}

interface Conditions {
  readonly ready: Fragment;
  readonly since: Fragment;
  readonly dead: Fragment;
}

/**
 * @see https://worker.graphile.org/docs/schema
 * @see https://timgit.github.io/pg-boss
 */
function conditionsOf({ kind, columns }: FoundQueue): Conditions {
  if (kind === 'graphile-worker')
    return {
      ready: fragment`locked_at IS NULL AND attempts < max_attempts AND run_at <= clock_timestamp()`,
      since: fragment`run_at`,
      dead: fragment`locked_at IS NULL AND attempts >= max_attempts`,
    };
  if (kind === 'pg-boss') {
    const start = ident(columns.includes('start_after') ? 'start_after' : 'startafter');
    return {
      ready: fragment`state::text IN ('created', 'retry') AND ${start} <= clock_timestamp()`,
      since: fragment`${start}`,
      dead: fragment`state::text = 'failed'`,
    };
  }
  const isVisible = columns.includes('visible_at') ? fragment`visible_at <= clock_timestamp()` : fragment`true`;
  return {
    ready: fragment`expired_at IS NULL AND reserved_at IS NULL AND ${isVisible}`,
    since: columns.includes('visible_at') ? fragment`visible_at` : fragment`created_at`,
    dead: columns.includes('dead_lettered_at') ? fragment`dead_lettered_at IS NOT NULL` : fragment`false`,
  };
}

const LOOK: Readonly<Record<FoundQueue['kind'], (table: string) => string>> = {
  'graphile-worker': (table) =>
    `SELECT task_identifier, run_at, attempts, max_attempts, left(last_error, 80) FROM ${table} ORDER BY run_at LIMIT 20;`,
  'pg-boss': (table) => `SELECT name, state, count(*) FROM ${table} GROUP BY 1, 2 ORDER BY 3 DESC;`,
  hotmesh: (table) =>
    `SELECT stream_name, count(*), min(created_at) FROM ${table} WHERE expired_at IS NULL GROUP BY 1 ORDER BY 2 DESC;`,
};

// Partitions are counted with the table that they belong to.
const TABLES = sql<TableRow>`
  SELECT n.nspname::text AS schema, c.relname::text AS table,
         ARRAY(SELECT attname::text FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relname IN ('jobs', 'job', 'streams', 'engine_streams', 'worker_streams')
     AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   ORDER BY 1, 2`;
