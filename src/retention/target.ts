import type { Reader } from '../adapters/postgres.ts';
import { ident, sql, type Identifier } from '../adapters/sql.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';

/** Type names whose values say how old a row is. */
const AGE_TYPES = ['timestamptz', 'timestamp', 'date', 'int4', 'int8'] as const;
export type AgeType = (typeof AGE_TYPES)[number];

/** One table, or one partition, that rows can be deleted from. */
export interface Target {
  readonly oid: string;
  /** `public.events`. */
  readonly name: string;
  readonly table: Identifier;
  readonly age: Identifier;
  readonly ageType: AgeType;
  /** It is a part of a divided table. */
  readonly isPartition: boolean;
  /** May the role lock single rows? It takes UPDATE, which deleting does not. */
  readonly mayLockRows: boolean;
  /** Quoted, for casts. */
  readonly ageCast: Identifier;
  /** A btree index that holds every row with an age leads with the age column. */
  readonly isIndexed: boolean;
  readonly primaryKey: readonly string[];
  /** The primary key, where that is one column; undefined where it is not. */
  readonly key: { readonly column: Identifier; readonly cast: Identifier } | undefined;
  readonly blocks: number;
  /** About how many rows there are, as the statistics have it; undefined where there are none. */
  readonly knownRows: number | undefined;
  /** Rows in one block, as the statistics have it; a guess where there are none. */
  readonly rowsPerBlock: number;
}

/** Everything the name of a rule's table stands for. */
export interface Family {
  /** Where rows lie: the table itself, or the partitions at the bottom. */
  readonly targets: readonly Target[];
  /** Those, and the partitioned tables above them. */
  readonly oids: readonly string[];
}

interface Member {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** `relkind`: r for a table, p for a partitioned one. */
  readonly kind: string;
  readonly ageType: string | null;
  readonly isPartition: boolean;
  readonly canDelete: boolean;
  readonly mayLockRows: boolean;
  readonly isIndexed: boolean;
  readonly primaryKey: readonly string[] | null;
  /** Schemas and names of the types of the primary key, one after the other. */
  readonly keyTypes: readonly string[] | null;
  readonly estimatedRows: number;
  readonly estimatedBlocks: number;
  readonly blocks: number;
}

/** A table, and the column that says how old its rows are. */
export type Aged = Pick<Rule, 'table' | 'age'>;

/** Looks a rule's table up in the catalogue. @returns a refusal where no rows of it can be deleted by that column */
export async function findFamily(
  database: Reader,
  rule: Aged,
  needs: 'DELETE' | 'UPDATE' = 'DELETE',
): Promise<Family | Refusal> {
  const members = await database.rows(membersOf(rule, needs));
  const refusal = unfit(members, rule, needs);
  if (refusal !== undefined) return refusal;
  const targets = members.flatMap((member) => targetOf(member, rule.age) ?? []);
  return { targets, oids: members.map(({ oid }) => oid) };
}

function unfit(members: readonly Member[], { table, age }: Aged, needs: string): Refusal | undefined {
  const odd = members.find(({ kind }) => kind !== 'r' && kind !== 'p');
  const closed = members.find(({ canDelete }) => !canDelete);
  const [first] = members;
  if (first === undefined)
    return { detail: 'prune.table', reason: `there is no table ${table}`, remediation: ['Correct the rule: table.'] };
  if (odd !== undefined)
    return {
      detail: 'prune.table',
      reason: `${odd.schema}.${odd.name} is no table`,
      remediation: ['Name a table: rows cannot be deleted from views and foreign tables here.'],
    };
  if (first.ageType === null || !isAgeType(first.ageType))
    return {
      detail: 'prune.age',
      reason: `${table}.${age} ${first.ageType === null ? 'does not exist' : `has the type ${first.ageType}`}`,
      remediation: ['Name a column of type timestamptz, timestamp, date, integer or bigint as `age`.'],
    };
  if (closed === undefined) return undefined;
  const name = `${closed.schema}.${closed.name}`;
  return {
    detail: 'prune.privilege',
    reason: `the role may not ${needs === 'DELETE' ? 'delete from' : 'update'} ${name}`,
    remediation: [`GRANT SELECT, ${needs} ON ${name} TO the role in the database URL;`],
  };
}

/** Rows in a block of 8 kB when nobody counted yet. */
const GUESSED_ROWS_PER_BLOCK = 60;

function targetOf(member: Member, age: string): Target | undefined {
  const { oid, schema, name, kind, ageType, estimatedRows, estimatedBlocks, mayLockRows } = member;
  if (kind !== 'r' || ageType === null || !isAgeType(ageType)) return undefined;
  const isCounted = estimatedRows > 0 && estimatedBlocks > 0;
  return {
    oid,
    name: `${schema}.${name}`,
    table: ident(schema, name),
    age: ident(age),
    ageType,
    isPartition: member.isPartition,
    mayLockRows,
    ageCast: ident('pg_catalog', ageType),
    isIndexed: member.isIndexed,
    primaryKey: member.primaryKey ?? [],
    key: keyOf(member),
    blocks: member.blocks,
    knownRows: isCounted ? Math.round((estimatedRows / estimatedBlocks) * member.blocks) : undefined,
    rowsPerBlock: isCounted ? estimatedRows / estimatedBlocks : GUESSED_ROWS_PER_BLOCK,
  };
}

function keyOf({ primaryKey, keyTypes }: Member): Target['key'] {
  const [column, more] = primaryKey ?? [];
  return column === undefined || more !== undefined
    ? undefined
    : { column: ident(column), cast: ident(...(keyTypes ?? [])) };
}

function isAgeType(name: string): name is AgeType {
  return AGE_TYPES.some((known) => known === name);
}

const membersOf = ({ table, age }: Aged, needs: string) => sql<Member>`
  WITH root AS (SELECT to_regclass(${table})::oid AS oid),
       member AS (SELECT oid FROM root WHERE oid IS NOT NULL
                  UNION SELECT p.relid FROM root, LATERAL pg_partition_tree(root.oid) p)
  SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, t.typname AS "ageType",
         c.relispartition AS "isPartition",
         has_table_privilege(c.oid, ${needs}::text) AND has_table_privilege(c.oid, 'SELECT') AS "canDelete",
         has_any_column_privilege(c.oid, 'UPDATE') AS "mayLockRows",
         EXISTS (SELECT FROM pg_index i
                   JOIN pg_class ic ON ic.oid = i.indexrelid
                   JOIN pg_am m ON m.oid = ic.relam AND m.amname = 'btree'
                  WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum
                    AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))
           AS "isIndexed",
         (SELECT array_agg(ka.attname::text ORDER BY k.position)
            FROM pg_index i
            JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(number, position) ON true
            JOIN pg_attribute ka ON ka.attrelid = c.oid AND ka.attnum = k.number
           WHERE i.indrelid = c.oid AND i.indisprimary AND k.position <= i.indnkeyatts) AS "primaryKey",
         (SELECT ARRAY[tn.nspname::text, kt.typname::text]
            FROM pg_index i
            JOIN pg_attribute ka ON ka.attrelid = c.oid AND ka.attnum = i.indkey[0]
            JOIN pg_type kt ON kt.oid = ka.atttypid
            JOIN pg_namespace tn ON tn.oid = kt.typnamespace
           WHERE i.indrelid = c.oid AND i.indisprimary) AS "keyTypes",
         c.reltuples::float8 AS "estimatedRows", c.relpages AS "estimatedBlocks",
         CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END::float8
           AS blocks
    FROM member
    JOIN pg_class c USING (oid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ${age} AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid
   ORDER BY c.oid = (SELECT oid FROM root) DESC, n.nspname, c.relname`;
