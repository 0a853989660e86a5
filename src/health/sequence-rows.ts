import type { Reader } from '../adapters/postgres.ts';
import { ident, sql } from '../adapters/sql.ts';

/** A sequence together with one column that takes its numbers; the column is null where none does. */
export interface SequenceUse {
  /** Schema and name as a person writes them in the settings. */
  readonly label: string;
  readonly schema: string;
  readonly name: string;
  readonly tableSchema: string | null;
  readonly tableName: string | null;
  readonly columnName: string | null;
  /** Table and column for a person. */
  readonly column: string | null;
  /** Quoted for SQL. */
  readonly sequenceSql: string;
  readonly tableSql: string | null;
  readonly columnSql: string | null;
  readonly isBigint: boolean;
  /** 0 to 1, of what both the sequence and the column can hold. */
  readonly share: number;
  /** Numbers left, in digits. */
  readonly left: string;
  /** May this role see how far the sequence is? */
  readonly isReadable: boolean;
  /** Can the column's highest number be had at once: by an index, and without waiting for someone's lock? */
  readonly isComparable: boolean;
}

/** Where sequence and column stand. */
export interface SequencePosition {
  /** What the sequence will hand out next. */
  readonly next: bigint;
  /** The highest number in the column. */
  readonly highest: bigint;
}

/**
 * Asks a sequence and its column at once. The column is read as of the beginning of the statement and the sequence
 * after it, so a number that was handed out in between never makes the sequence look late.
 * @returns undefined where there is nothing to compare: no readable, indexed, unlocked column, or an empty one
 */
export async function positionOf(database: Reader, use: SequenceUse): Promise<SequencePosition | undefined> {
  const { schema, name, tableSchema, tableName, columnName } = use;
  if (tableSchema === null || tableName === null || columnName === null || !use.isComparable) return undefined;
  const [row] = await database.rows(sql<{ highest: string | null; next: string }>`
    SELECT (SELECT max(${ident(columnName)})::text FROM ${ident(tableSchema, tableName)}) AS highest,
           (last_value::numeric + CASE WHEN is_called
              THEN (SELECT seqincrement FROM pg_sequence WHERE seqrelid = ${ident(schema, name)}.tableoid) ELSE 0 END)::text AS next
      FROM ${ident(schema, name)}`);
  if (row === undefined || row.highest === null) return undefined;
  return { next: BigInt(row.next), highest: BigInt(row.highest) };
}

/**
 * Every ascending sequence that does not begin anew by itself, with the columns that own it or have it as their default.
 * The numbers of a column end where its type does, whatever the sequence could count up to.
 */
export const SEQUENCE_USES = sql<SequenceUse>`
  WITH uses AS (
    SELECT d.objid AS sequence, a.attrelid, a.attnum, a.attname, a.atttypid
      FROM pg_depend AS d
      JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
     UNION
    SELECT d.refobjid, a.attrelid, a.attnum, a.attname, a.atttypid
      FROM pg_depend AS d
      JOIN pg_attrdef AS f ON f.oid = d.objid
      JOIN pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
     WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
  )
  SELECT n.nspname || '.' || c.relname AS label, n.nspname AS schema, c.relname AS name,
         tn.nspname AS "tableSchema", t.relname AS "tableName", u.attname AS "columnName",
         tn.nspname || '.' || t.relname || '.' || u.attname AS column,
         format('%I.%I', n.nspname, c.relname) AS "sequenceSql",
         CASE WHEN t.oid IS NOT NULL THEN format('%I.%I', tn.nspname, t.relname) END AS "tableSql",
         quote_ident(u.attname) AS "columnSql",
         coalesce(u.atttypid = 'int8'::regtype, true) AS "isBigint",
         greatest(0, (coalesce(l.last, s.seqstart)::numeric - s.seqmin) / nullif(e.last - s.seqmin, 0))::float8 AS share,
         greatest(0, trunc((e.last - coalesce(l.last, s.seqstart)) / s.seqincrement))::text AS "left",
         p.readable AS "isReadable",
         p.readable AND t.oid IS NOT NULL AND u.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
           AND has_schema_privilege(tn.oid, 'USAGE') AND has_column_privilege(t.oid, u.attnum, 'SELECT')
           AND EXISTS (SELECT FROM pg_index AS i
                         JOIN pg_class AS ic ON ic.oid = i.indexrelid
                         JOIN pg_am AS am ON am.oid = ic.relam
                        WHERE i.indrelid = t.oid AND i.indkey[0] = u.attnum AND i.indisvalid AND i.indpred IS NULL
                          AND am.amname = 'btree')
           AND NOT EXISTS (SELECT FROM pg_locks AS k
                            WHERE k.relation = t.oid AND k.mode = 'AccessExclusiveLock'
                              AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                          ) AS "isComparable"
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_sequence AS s ON s.seqrelid = c.oid
    LEFT JOIN uses AS u ON u.sequence = c.oid
    LEFT JOIN pg_class AS t ON t.oid = u.attrelid
    LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
   CROSS JOIN LATERAL (SELECT has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')) AS p (readable)
   CROSS JOIN LATERAL (SELECT CASE WHEN p.readable THEN pg_sequence_last_value(c.oid) END) AS l (last)
   CROSS JOIN LATERAL (SELECT least(s.seqmax, CASE u.atttypid
           WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END)::numeric) AS e (last)
   WHERE c.relkind = 'S' AND c.relpersistence = 'p' AND s.seqincrement > 0 AND NOT s.seqcycle
   ORDER BY 1, 7`;
