import type { Reader } from '../../adapters/postgres.ts';
import { ident, sql, type Identifier } from '../../adapters/sql.ts';
import type { Refusal } from '../refusal.ts';

/** May the role keep triggers quiet for a transaction? */
export async function mayKeepTriggersQuiet(database: Reader): Promise<boolean> {
  const { major } = await database.server();
  const [row] = await database.rows(major >= 15 ? QUIET_BY_GRANT : QUIET_AS_SUPERUSER);
  return row?.may ?? false;
}

/**
 * How many locks one transaction may take without starving the others: an eighth of the table that all sessions share,
 * less what they hold.
 * @see https://www.postgresql.org/docs/current/runtime-config-locks.html
 */
export async function spareLocks(database: Reader): Promise<number> {
  const [row] = await database.rows(LOCKS);
  return Math.max(50, Math.floor(row?.spare ?? 0));
}

/** What is known of the attributes of a table of jobs. */
export interface Attributes {
  /** Where those of each partition of jobs lie, by its oid; only where both are divided in the same way. */
  readonly attributesOf: ReadonlyMap<string, Identifier>;
  readonly allAttributes: Identifier;
  /** The table and its partitions. */
  readonly oids: readonly string[];
  readonly names: ReadonlySet<string>;
}

/** Looks up which partition has the attributes of which. */
export async function findAttributes(database: Reader, schema: string): Promise<Attributes> {
  const members = await database.rows(membersOf(schema));
  return {
    attributesOf: new Map(
      members.flatMap(({ jobsOid, name, space }) => (jobsOid === null ? [] : [[jobsOid, ident(space, name)]])),
    ),
    allAttributes: ident(schema, 'jobs_attributes'),
    oids: members.map(({ oid }) => oid),
    names: new Set(members.map(({ name }) => name)),
  };
}

/** @returns refusals where the role may not do what pruning does, on any partition */
export async function pruningRefusals(database: Reader, schema: string): Promise<readonly Refusal[]> {
  const closed = await database.rows(closedTo(schema));
  const [first] = closed;
  if (first === undefined) return [];
  return [
    {
      detail: 'prune.privilege',
      reason: `the role may not ${first.verb} ${first.space}.${first.name}`,
      remediation: [`GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO the role in the database URL;`],
    },
  ];
}

const QUIET_BY_GRANT = sql<{ may: boolean }>`
  SELECT has_parameter_privilege('session_replication_role', 'SET') AS may`;

const QUIET_AS_SUPERUSER = sql<{ may: boolean }>`
  SELECT rolsuper AS may FROM pg_roles WHERE rolname = current_user`;

const LOCKS = sql<{ spare: number }>`
  SELECT (current_setting('max_locks_per_transaction')::float8 * current_setting('max_connections')::float8 / 8
           - (SELECT count(*) FROM pg_locks))::float8 AS spare`;

interface Member {
  readonly oid: string;
  readonly space: string;
  readonly name: string;
  readonly jobsOid: string | null;
}

// Two tables with the same hash function, the same number of parts and the same remainder hold the same ids.
const membersOf = (schema: string) => sql<Member>`
  WITH root AS (SELECT to_regclass(format('%I.jobs', ${schema}::text))::oid AS jobs,
                       to_regclass(format('%I.jobs_attributes', ${schema}::text))::oid AS attributes),
       alike AS (SELECT root.* FROM root
                   JOIN pg_partitioned_table j ON j.partrelid = jobs AND j.partstrat = 'h' AND j.partnatts = 1
                   JOIN pg_partitioned_table a ON a.partrelid = attributes AND a.partstrat = 'h' AND a.partnatts = 1
                    AND a.partclass = j.partclass AND a.partcollation = j.partcollation
                   JOIN pg_attribute id ON id.attrelid = jobs AND id.attnum = j.partattrs[0] AND id.attname = 'id'
                   JOIN pg_attribute job ON job.attrelid = attributes AND job.attnum = a.partattrs[0]
                    AND job.attname = 'job_id')
  SELECT c.oid::text AS oid, n.nspname::text AS space, c.relname::text AS name,
         (SELECT p.oid::text FROM alike
            JOIN pg_inherits i ON i.inhparent = alike.jobs
            JOIN pg_class p ON p.oid = i.inhrelid AND p.relkind = 'r'
           WHERE pg_get_expr(p.relpartbound, p.oid) = pg_get_expr(c.relpartbound, c.oid) AND c.relkind = 'r')
           AS "jobsOid"
    FROM root
    JOIN pg_class c ON c.oid = root.attributes
      OR c.oid IN (SELECT relid FROM pg_partition_tree(root.attributes))
    JOIN pg_namespace n ON n.oid = c.relnamespace
   ORDER BY c.oid`;

const closedTo = (schema: string) => sql<{ space: string; name: string; verb: string }>`
  WITH root AS (SELECT of, to_regclass(format('%I.%I', ${schema}::text, of))::oid AS oid
                  FROM (VALUES ('jobs'), ('jobs_attributes')) named(of)),
       member AS (
    SELECT root.of, relid FROM root, LATERAL pg_partition_tree(root.oid)
    UNION SELECT root.of, root.oid FROM root)
  SELECT n.nspname::text AS space, c.relname::text AS name,
         CASE of WHEN 'jobs' THEN 'update' ELSE 'delete from' END AS verb
    FROM member JOIN pg_class c ON c.oid = relid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE CASE of WHEN 'jobs' THEN NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE'))
                 ELSE NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'DELETE')) END
   ORDER BY 3, 2`;
