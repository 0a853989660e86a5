import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';

/** A restored table, as far as moving its rows depends on it. A partitioned one is one table. */
export interface RestoredTable {
  readonly schema: string;
  readonly name: string;
  /** Those that can be written. */
  readonly columns: readonly string[];
  /** Can the server tell that a row is there already? */
  readonly hasKey: boolean;
  /** Is there such a table in the live database? Undefined where nobody knows. */
  readonly isLive: boolean | undefined;
  /** Itself and its partitions, with quotes. */
  readonly parts: readonly string[];
}

/** Two databases of one server. */
interface Move {
  readonly from: string;
  readonly to: string;
}

type Shape = Omit<RestoredTable, 'isLive'> & {
  readonly id: string;
  /** Ids of the tables that its foreign keys point to. */
  readonly needs: readonly string[];
};

/**
 * Describes restored tables, those first that others point to.
 * @param keys as the manifest has them
 * @param live undefined where the live database cannot be asked
 */
export async function describeTables(
  restored: Reader,
  keys: readonly string[],
  live: Reader | undefined,
): Promise<readonly RestoredTable[]> {
  const shapes = await restored.rows(shapesOf(keys));
  const names = shapes.map(({ schema, name }) => qualified(schema, name));
  const there = new Set((await live?.rows(existing(names)))?.map(({ name }) => name));
  return referencedFirst(shapes).map(({ schema, name, columns, hasKey, parts }) => {
    const isLive = live === undefined ? undefined : there.has(qualified(schema, name));
    return { schema, name, columns, hasKey, isLive, parts };
  });
}

/** Those that point at each other come as they are. */
function referencedFirst(shapes: readonly Shape[]): readonly Shape[] {
  const sorted: Shape[] = [];
  let left = shapes;
  while (left.length > 0) {
    const waiting = new Set(left.map(({ id }) => id));
    const free = left.filter(({ id, needs }) => needs.every((need) => need === id || !waiting.has(need)));
    const next = free.length > 0 ? free : left;
    sorted.push(...next);
    left = left.filter((shape) => !next.includes(shape));
  }
  return sorted;
}

/**
 * The commands that bring a whole table into a database that has lost it: one pipeline of stock programs.
 * @param quote makes one word of a shell
 */
export function wholeTableLines({ parts }: RestoredTable, { from, to }: Move, quote: Quote): readonly string[] {
  const patterns = parts.map((part) => `--table=${quote(part)}`).join(' ');
  return [
    `pg_dump --dbname=${quote(from)} ${patterns} |`,
    `  psql --dbname=${quote(to)} --set=ON_ERROR_STOP=1 --single-transaction --quiet`,
  ];
}

/**
 * The commands that bring rows into a table that is still there: in one transaction, which ends without a trace when
 * either side fails. Nothing is deleted or changed.
 */
export function missingRowsLines(table: RestoredTable, { from, to }: Move, quote: Quote): readonly string[] {
  const name = qualified(table.schema, table.name);
  const columns = table.columns.map(quoted).join(', ');
  const first = [
    'BEGIN;',
    `CREATE TEMPORARY TABLE maint_back ON COMMIT DROP AS SELECT ${columns} FROM ${name} WITH NO DATA;`,
    'COPY maint_back FROM STDIN;',
  ];
  const conflict = table.hasKey ? ' ON CONFLICT DO NOTHING' : '';
  const last = [
    String.raw`\.`,
    `INSERT INTO ${name} (${columns}) OVERRIDING SYSTEM VALUE SELECT * FROM maint_back${conflict};`,
    'COMMIT;',
  ];
  const print = (lines: readonly string[]): string => String.raw`printf '%s\n' ${lines.map(quote).join(' ')}`;
  return [
    `{ ${print(first)} &&`,
    `  psql --dbname=${quote(from)} --command=${quote(`COPY (SELECT ${columns} FROM ${name}) TO STDOUT`)} &&`,
    `  ${print(last)}`,
    `} | psql --dbname=${quote(to)} --set=ON_ERROR_STOP=1 --quiet`,
  ];
}

type Quote = (word: string) => string;

/** With quotes, as SQL and the patterns of pg_dump read it. */
function qualified(schema: string, name: string): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const shapesOf = (keys: readonly string[]) => sql<Shape>`
  WITH wanted AS (
    SELECT DISTINCT coalesce(pg_partition_root(to_regclass(key)), to_regclass(key))::oid AS oid
      FROM unnest(${keys}::text[]) AS key
  )
  SELECT c.oid::text AS id, n.nspname::text AS schema, c.relname::text AS name,
         ARRAY(SELECT attname::text
                 FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                ORDER BY attnum) AS columns,
         EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisunique AND indpred IS NULL) AS "hasKey",
         ARRAY(SELECT DISTINCT coalesce(pg_partition_root(confrelid), confrelid)::oid::text
                 FROM pg_constraint
                WHERE conrelid = c.oid AND contype = 'f') AS needs,
         ARRAY(SELECT quoted_names.name
                 FROM (SELECT format('"%s"."%s"', replace(pn.nspname, '"', '""'), replace(p.relname, '"', '""')) AS name
                         FROM pg_class AS p
                         JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
                        WHERE p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))
                        ORDER BY p.oid) AS quoted_names) AS parts
    FROM wanted AS w
    JOIN pg_class AS c ON c.oid = w.oid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   ORDER BY n.nspname, c.relname`;

const existing = (names: readonly string[]) => sql<{ name: string }>`
  SELECT name FROM unnest(${names}::text[]) AS name WHERE to_regclass(name) IS NOT NULL`;
