import { tmpdir } from 'node:os';
import { Client } from 'pg';
import { startCluster, type Cluster } from '../src/adapters/cluster.ts';
import { parseConnection } from '../src/adapters/connection.ts';
import { openSession } from '../src/adapters/postgres.ts';
import { findServerPrograms, type ServerPrograms } from '../src/adapters/server-programs.ts';
import { Secret } from '../src/base/secret.ts';
import { prune } from '../src/tasks/prune.ts';
import { runTask } from '../test/support/run-task.ts';

/** As a careful person would run it: nothing is switched off that a power cut would show. */
const DURABLE = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
};

/** The one DELETE that everything is measured against: everything older than 30 of 60 days. */
export const ONE_DELETE = `DELETE FROM events WHERE at < now() - interval '30 days'`;

/** Starts a server of its own that flushes what it commits. */
export async function openDurableServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly cluster: Cluster; readonly programs: ServerPrograms }> {
  const [programs] = await findServerPrograms(process.env['PATH']);
  if (programs === undefined)
    throw new Error('no PostgreSQL server programs were found; install the package postgresql');
  const uid = process.getuid?.();
  const request = { ...programs, parentDirectory: tmpdir(), uid, settings: { ...DURABLE, ...settings } };
  return { cluster: await startCluster(request), programs };
}

/** Makes a table of so many rows of 60 days in the order of their age, some 170 bytes each, with an index on it. */
export async function makeEvents(server: Cluster, database: string, rows: number): Promise<void> {
  await query(server, 'postgres', `CREATE DATABASE ${database}`);
  await query(server, database, 'CREATE TABLE events (id bigint, at timestamptz, kind int, body text)');
  await query(
    server,
    database,
    `INSERT INTO events
     SELECT g, now() - interval '60 days' * (1 - g::float8 / ${rows}), g % 50, repeat(md5(g::text), 3)
       FROM generate_series(1, ${rows}) g`,
  );
  await query(server, database, 'ALTER TABLE events ADD PRIMARY KEY (id)');
  await query(server, database, 'CREATE INDEX ON events (at)');
  await query(server, database, 'VACUUM ANALYZE events');
}

/** Makes a fresh copy of a database with everything read once and nothing left to flush. */
export async function copyOf(server: Cluster, template: string, name: string): Promise<void> {
  await query(server, 'postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await query(server, 'postgres', `CREATE DATABASE ${name} TEMPLATE ${template}`);
  await query(server, name, 'SELECT sum(length(body)) FROM events');
  await query(server, name, 'CHECKPOINT');
}

/** What a way of deleting did. */
export interface Done {
  readonly rows: number;
  readonly longestMs: number;
}

/** Deletes as `maint prune` does. */
export async function pruneEvents(server: Cluster, database: string, settings: object): Promise<Done> {
  await using session = openSession({
    connection: parseConnection(new Secret(server.url(database))),
    mode: 'read-write',
    limits: { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 },
    applicationName: 'maint/bench',
  });
  const rules = [{ name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 0.9 }];
  const [outcome] = await runTask(prune, { rules, vacuum: false, ...settings }, { database: session });
  if (outcome?.facts?.['rows'] === undefined) throw new Error(outcome?.summary ?? 'no outcome');
  return { rows: Number(outcome.facts['rows']), longestMs: Number(outcome.facts['longestMs']) };
}

/** Connects as the superuser. */
export async function connected(server: Pick<Cluster, 'url'>, name: string): Promise<Client> {
  const { host, port, database, user } = parseConnection(new Secret(server.url(name)));
  const client = new Client({ host, port, database, user });
  await client.connect();
  return client;
}

/** Runs one statement. @returns how many rows it changed */
export async function query(server: Cluster, database: string, text: string): Promise<number> {
  const client = await connected(server, database);
  try {
    return (await client.query(text)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}
