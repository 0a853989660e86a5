import type { Snapshot } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { tableKey } from './table-name.ts';

/** The database as it is in the snapshot of the dump. */
export interface Source {
  readonly database: string;
  readonly serverVersion: string;
  readonly encoding: string;
  readonly isStandby: boolean;
  /** When the snapshot was taken, by the server's clock. */
  readonly takenAt: Date;
  /** Exact rows by oid, of every table that pg_dump dumps data of. */
  readonly rows: ReadonlyMap<string, SourceTable>;
  /** What pg_dump leaves out, one line each. */
  readonly excluded: readonly string[];
}

interface SourceTable {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  /** Key of the partitioned table that it is a leaf of. */
  readonly partitionOf: string | undefined;
}

/**
 * Counts and describes in the dump's own snapshot, so that what the dump holds can be held against it, row for row.
 * @throws MaintError PERMISSION_MISSING where a table cannot be read whole, row-level security included
 */
export async function readSource(snapshot: Snapshot): Promise<Source> {
  // As pg_dump does: a policy that would hide rows is an error, not a smaller backup.
  await snapshot.rows(sql`SET LOCAL row_security = off`);
  const [facts] = await snapshot.rows(factsOfDatabase);
  if (facts === undefined) throw new Error('a query without FROM returned no row');
  const tables = await snapshot.rows(countedTables);
  const excluded = await snapshot.rows(leftOut);
  return {
    ...facts,
    rows: new Map(tables.map((table) => [table.oid, sourceTable(table)])),
    excluded: excluded.map(({ line }) => line),
  };
}

function sourceTable({ schema, name, rows, rootSchema, rootName }: CountedRow): SourceTable {
  const partitionOf = rootSchema === null || rootName === null ? undefined : tableKey(rootSchema, rootName);
  return { schema, name, rows: Number(rows), partitionOf };
}

/**
 * Is the session that holds the snapshot still there?
 * @throws MaintError CONNECTION_LOST
 */
export async function confirmSnapshot(snapshot: Snapshot): Promise<void> {
  await snapshot.rows(sql`SELECT 1`);
}

interface Facts {
  readonly database: string;
  readonly serverVersion: string;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly takenAt: Date;
}

const factsOfDatabase = sql<Facts>`
  SELECT current_database()                  AS database,
         current_setting('server_version')   AS "serverVersion",
         current_setting('server_encoding')  AS encoding,
         pg_is_in_recovery()                 AS "isStandby",
         transaction_timestamp()             AS "takenAt"`;

interface CountedRow {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly rows: string;
  /** Of the partitioned table above it; null where there is none. */
  readonly rootSchema: string | null;
  readonly rootName: string | null;
}

/**
 * Every table whose data pg_dump dumps: ordinary tables and the leaves of partitioned ones, outside the system schemas;
 * not what an extension owns, unless it declared the table as its configuration, then with the condition it declared;
 * on a standby not the unlogged ones. One statement counts them all: query_to_xml runs a query made on the server.
 * @see https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_dump.c (makeTableDataInfo, processExtensionTables)
 */
const countedTables = sql<CountedRow>`
  WITH dumped AS (
    SELECT c.oid, c.relnamespace, c.relname, c.relpersistence, '' AS condition
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r'
       AND left(n.nspname, 3) <> 'pg_'
       AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT
                         FROM pg_depend
                        WHERE classid = 'pg_class'::regclass AND objid = c.oid AND objsubid = 0 AND deptype = 'e')
     UNION ALL
    SELECT c.oid, c.relnamespace, c.relname, c.relpersistence, config.condition
      FROM pg_extension AS e
     CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS config (oid, condition)
      JOIN pg_class AS c ON c.oid = config.oid
     WHERE e.oid >= 16384 AND c.relkind = 'r'
  )
  SELECT d.oid::text AS oid, n.nspname::text AS schema, d.relname::text AS name,
         substring(
           query_to_xml(
             format('SELECT count(*) AS n FROM %s %I.%I %s',
                    CASE WHEN d.condition = '' THEN 'ONLY' END, n.nspname, d.relname, d.condition),
             false, true, '')::text
           FROM '<n>([0-9]+)</n>') AS rows,
         rootspace.nspname::text AS "rootSchema", root.relname::text AS "rootName"
    FROM dumped AS d
    JOIN pg_namespace AS n ON n.oid = d.relnamespace
    LEFT JOIN pg_class AS root ON root.oid = pg_partition_root(d.oid) AND root.oid <> d.oid
    LEFT JOIN pg_namespace AS rootspace ON rootspace.oid = root.relnamespace
   WHERE d.relpersistence <> 'u' OR NOT pg_is_in_recovery()
   ORDER BY n.nspname, d.relname`;

/** What a dump of one database leaves out: rows that lie elsewhere, and the other databases. */
const leftOut = sql<{ line: string }>`
  SELECT CASE c.relkind WHEN 'f' THEN 'rows of the foreign table ' ELSE 'rows of the unlogged table ' END
         || format('%I.%I', n.nspname, c.relname) AS line
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   WHERE left(n.nspname, 3) <> 'pg_'
     AND (c.relkind = 'f' OR (c.relkind = 'r' AND c.relpersistence = 'u' AND pg_is_in_recovery()))
   UNION ALL
  SELECT format('the database %I of the same server', datname)
    FROM pg_database
   WHERE datallowconn AND NOT datistemplate AND datname <> current_database()
   ORDER BY 1`;
