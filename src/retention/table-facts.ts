import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment, type Identifier } from '../adapters/sql.ts';

/** One column, as the catalogue has it. */
export interface ColumnFacts {
  readonly name: string;
  /** As SQL writes it, with its length: `character varying(20)`. */
  readonly type: string;
  /** Schema and name of the type, for casts. */
  readonly typeName: readonly [schema: string, name: string];
  /** Computed from others, so that nobody can write it. */
  readonly isGenerated: boolean;
  readonly isNullable: boolean;
  readonly hasDefault: boolean;
  /** An insertion must name it. */
  readonly isRequired: boolean;
}

/** A btree index that holds every row. */
interface IndexFacts {
  /** Its key columns in order; an empty name for an expression. */
  readonly columns: readonly string[];
  readonly isUnique: boolean;
  readonly isPrimary: boolean;
}

type Privilege = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';

/** What the catalogue says of a table. */
export interface TableFacts {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** `relkind`: r for a table, p for a partitioned one. */
  readonly kind: string;
  /** It, and each of its partitions, keeps its rows over a crash of the server. */
  readonly isLogged: boolean;
  readonly privileges: readonly Privilege[];
  /** What one row takes in bytes, as the statistics have it; null where there are none. */
  readonly rowBytes: number | null;
  /** Policies hide rows of it from the role. */
  readonly isRowSecured: boolean;
  readonly columns: readonly ColumnFacts[];
  readonly indexes: readonly IndexFacts[];
}

/** Looks a table up by the name that SQL would give it. @returns undefined where there is none */
export async function findTable(database: Reader, name: string): Promise<TableFacts | undefined> {
  const [found] = await database.rows(factsOf(fragment`c.oid = to_regclass(${name})`));
  return found;
}

/** Looks tables up by their oids, in the order of their names. */
export async function tablesOf(database: Reader, oids: readonly string[]): Promise<readonly TableFacts[]> {
  return database.rows(factsOf(fragment`c.oid = ANY(${oids}::oid[])`));
}

/** `public.events`, for people. */
export function nameOfTable({ schema, name }: TableFacts): string {
  return `${schema}.${name}`;
}

/** Can rows be read from it as from a table? */
export function isTable({ kind }: TableFacts): boolean {
  return kind === 'r' || kind === 'p';
}

/** All rows of a table with its partitions, and without what merely inherits from it. */
export function sourceOf({ schema, name, kind }: TableFacts): Fragment {
  return kind === 'p' ? fragment`${ident(schema, name)}` : fragment`ONLY ${ident(schema, name)}`;
}

/** The type of a column, for casts. */
export function castOf({ typeName }: Pick<ColumnFacts, 'typeName'>): Identifier {
  return ident(...typeName);
}

/** Columns that hold something of their own: they are archived, and come back. */
export function storedColumns({ columns }: TableFacts): readonly ColumnFacts[] {
  return columns.filter(({ isGenerated }) => !isGenerated);
}

/** The columns of the primary key in order; undefined where there is none. */
export function primaryKeyOf({ indexes }: TableFacts): readonly string[] | undefined {
  return indexes.find(({ isPrimary }) => isPrimary)?.columns;
}

/** Which of these columns the table does not have. */
export function missingColumns({ columns }: TableFacts, names: readonly string[]): readonly string[] {
  return names.filter((name) => !columns.some((column) => column.name === name));
}

/** Does an index lead with these columns, in whatever order, and then with those that follow? */
export function hasIndexOn({ indexes }: TableFacts, names: readonly string[], then: readonly string[] = []): boolean {
  return indexes.some(
    ({ columns }) =>
      names.every((name) => columns.slice(0, names.length).includes(name)) &&
      then.every((name, index) => columns[names.length + index] === name),
  );
}

/** The statement that makes the index which is missing. */
export function indexFor(table: TableFacts, columns: readonly string[]): string {
  return `CREATE INDEX CONCURRENTLY ON ${nameOfTable(table)} (${columns.map((name) => `"${name}"`).join(', ')});`;
}

/** Are these columns together different in each row? */
export function isUniqueKey({ indexes }: TableFacts, names: readonly string[]): boolean {
  return indexes.some(
    ({ isUnique, columns }) => isUnique && columns.length === names.length && names.every((n) => columns.includes(n)),
  );
}

const factsOf = (where: Fragment) => sql<TableFacts>`
  SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
         NOT EXISTS (SELECT FROM pg_class part
                      WHERE part.relpersistence <> 'p'
                        AND (part.oid = c.oid OR part.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS "isLogged",
         ARRAY(SELECT privilege FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) privilege
                WHERE has_table_privilege(c.oid, privilege)) AS privileges,
         (SELECT max(pg_table_size(part.oid) / part.reltuples)::float8
            FROM pg_class part
           WHERE part.reltuples > 0 AND part.relkind = 'r'
             AND (part.oid = c.oid OR part.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS "rowBytes",
         row_security_active(c.oid) AS "isRowSecured",
         (SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                   'typeName', json_build_array(tn.nspname, t.typname), 'isGenerated', a.attgenerated <> '',
                   'isNullable', NOT a.attnotnull, 'hasDefault', a.atthasdef,
                   'isRequired', a.attnotnull AND NOT a.atthasdef AND a.attidentity = '') ORDER BY a.attnum), '[]')
            FROM pg_attribute a
            JOIN pg_type t ON t.oid = a.atttypid
            JOIN pg_namespace tn ON tn.oid = t.typnamespace
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
         (SELECT coalesce(json_agg(json_build_object(
                   'columns', ARRAY(SELECT coalesce(a.attname::text, '')
                                      FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, position)
                                      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                                     WHERE k.position <= i.indnkeyatts ORDER BY k.position),
                   'isUnique', i.indisunique, 'isPrimary', i.indisprimary) ORDER BY i.indexrelid), '[]')
            FROM pg_index i
            JOIN pg_class ic ON ic.oid = i.indexrelid
            JOIN pg_am m ON m.oid = ic.relam AND m.amname = 'btree'
           WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL) AS indexes
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${where}
   ORDER BY n.nspname, c.relname`;
