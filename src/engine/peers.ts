import type { Database, Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { prepareTables } from './coordination-tables.ts';

/** Another host that looks after the same project. */
export interface Peer {
  readonly host: string;
  /** Since it was last heard of, by the clock of the database. */
  readonly silentMs: number;
}

/** Which host says that it is there. */
interface BeatRequest {
  readonly database: Database;
  readonly project: string;
  readonly host: string;
}

/**
 * Says that this host is there, and asks who else is. A host that was silent for a week is forgotten.
 * Each step is one statement in one transaction, so it is right behind a transaction pooler too.
 * @throws MaintError PERMISSION_MISSING or READ_ONLY when the role may not make or use the table, or what the server said
 */
export async function beat({ database, project, host }: BeatRequest): Promise<readonly Peer[]> {
  await prepareTables(database, ['heartbeat.at'], SCHEMA);
  await database.run(forgetLost(project));
  await database.run(upsert(project, host));
  return database.rows(selectPeers(project, host));
}

/**
 * The hosts of this project that look after each other, this one among them, as far as the role may know: each was heard
 * of lately. Reads only.
 */
export async function livingHosts(database: Reader, project: string): Promise<readonly string[]> {
  const [table] = await database.rows(TABLE);
  if (table?.isReadable !== true) return [];
  const hosts = await database.rows(selectLiving(project));
  return hosts.map(({ host }) => host);
}

const TABLE = sql<{ isReadable: boolean }>`
  SELECT coalesce(bool_or(has_table_privilege(c.oid, 'SELECT')), false) AS "isReadable"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'maint' AND c.relname = 'heartbeat' AND has_schema_privilege(n.oid, 'USAGE')`;

const selectLiving = (project: string) => sql<{ host: string }>`
  SELECT DISTINCT host FROM maint.heartbeat
   WHERE project = ${project} AND at > now() - interval '15 minutes' ORDER BY host`;

const SCHEMA = [
  sql`CREATE TABLE IF NOT EXISTS maint.heartbeat (
        project text NOT NULL,
        host    text NOT NULL,
        job     text NOT NULL,
        at      timestamptz NOT NULL,
        PRIMARY KEY (project, host, job)
      )`,
];

const forgetLost = (project: string) => sql`
  DELETE FROM maint.heartbeat WHERE project = ${project} AND at < now() - interval '7 days'`;

const upsert = (project: string, host: string) => sql`
  INSERT INTO maint.heartbeat (project, host, job, at) VALUES (${project}, ${host}, 'tick', now())
  ON CONFLICT (project, host, job) DO UPDATE SET at = excluded.at`;

const selectPeers = (project: string, host: string) => sql<Peer>`
  SELECT host, (extract(epoch FROM now() - at) * 1000)::float8 AS "silentMs"
    FROM maint.heartbeat
   WHERE project = ${project} AND host <> ${host} AND job = 'tick'
   ORDER BY host`;
