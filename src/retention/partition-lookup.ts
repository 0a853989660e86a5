import { sql, type Statement } from '../adapters/sql.ts';
import type { Cutoff } from './cutoff.ts';
import type { Family, Target } from './target.ts';

/** A partition as the catalogue knows it. */
export interface Piece {
  readonly oid: string;
  /** `public.events_2025_01`. */
  readonly name: string;
  readonly schema: string;
  readonly relation: string;
  readonly parentSchema: string;
  readonly parentName: string;
  /** Oids of the tables at the bottom of it, where its rows lie. */
  readonly leaves: readonly string[];
  /** Oids of the tables that it is a part of. */
  readonly above: readonly string[];
  /**
   * `leaving`: its detachment was begun and has to be finished; `left`: it is detached, and still marked; `kept`: it is
   * marked, and yet not old.
   */
  readonly state: 'attached' | 'leaving' | 'left' | 'kept';
  /** PostgreSQL lets no partition leave concurrently where there is a default one. */
  readonly hasDefault: boolean;
  /** The role owns it and the table it is part of. */
  readonly isOwn: boolean;
}

interface Lookup {
  readonly family: Family;
  readonly target: Target;
  readonly cutoff: Cutoff;
  /** Name of the age column, unquoted. */
  readonly age: string;
  readonly mark: string;
}

/**
 * Partitions by ranges of the age column that end at or below the cutoff, and those that carry the mark and have left.
 * Bounds are read back by the session that writes them. A partition that is leaving is no longer in the tree of the table;
 * without the mark it is somebody else's.
 */
export function partitionsBefore({ family, target, cutoff, age, mark }: Lookup): Statement<Piece> {
  const [root = '0'] = family.oids;
  return sql<Piece>`
    WITH parent AS (
      SELECT p.partrelid AS oid, p.partdefid <> 0 AS has_default
        FROM pg_partitioned_table p
        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
       WHERE p.partrelid = ANY(${family.oids}::oid[]) AND p.partstrat = 'r' AND p.partnatts = 1 AND a.attname = ${age}),
    marked AS (
      SELECT objoid AS oid
        FROM pg_description
       WHERE classoid = 'pg_class'::regclass AND objsubid = 0 AND starts_with(description, ${`${mark}\n`})),
    piece AS (
      SELECT c.oid, parent.oid AS parent, has_default, pg_get_expr(c.relpartbound, c.oid) AS bound,
             coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false) AS is_leaving
        FROM parent
        JOIN pg_inherits i ON i.inhparent = parent.oid
        JOIN pg_class c ON c.oid = i.inhrelid),
    old AS (
      SELECT oid, parent, has_default, CASE WHEN is_leaving THEN 'leaving' ELSE 'attached' END AS state,
             ending::${target.ageCast} AS ending
        FROM piece, LATERAL (SELECT substring(bound FROM 'TO \\(''?([^'')]+)''?\\)$') AS ending) read
       WHERE ending <> 'MAXVALUE' AND ending::${target.ageCast} <= ${cutoff.key}::${target.ageCast}
         AND (NOT is_leaving OR oid IN (SELECT oid FROM marked))),
    touched AS (
      SELECT * FROM old
      UNION ALL
      SELECT oid, ${root}::oid, false, CASE WHEN relispartition THEN 'kept' ELSE 'left' END, NULL
        FROM marked
        JOIN pg_class c USING (oid)
       WHERE oid NOT IN (SELECT oid FROM old UNION ALL SELECT oid FROM piece WHERE is_leaving))
  SELECT c.oid::text AS oid, n.nspname || '.' || c.relname AS name, n.nspname AS schema, c.relname AS relation,
         pn.nspname AS "parentSchema", pc.relname AS "parentName", touched.state, touched.has_default AS "hasDefault",
         pg_has_role(c.relowner, 'USAGE') AND pg_has_role(pc.relowner, 'USAGE') AS "isOwn",
         CASE WHEN touched.state <> 'attached' THEN ARRAY[]::text[]
              ELSE ARRAY(SELECT relid::oid::text FROM pg_partition_tree(c.oid) WHERE isleaf) END AS leaves,
         CASE WHEN touched.state <> 'attached' THEN ARRAY[]::text[]
              ELSE ARRAY(SELECT relid::oid::text FROM pg_partition_ancestors(touched.parent)) END AS above
    FROM touched
    JOIN pg_class c USING (oid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class pc ON pc.oid = touched.parent
    JOIN pg_namespace pn ON pn.oid = pc.relnamespace
   ORDER BY touched.ending NULLS FIRST, c.oid`;
}
