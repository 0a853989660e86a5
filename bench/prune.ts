/**
 * How fast rows go by `maint prune`, by one DELETE and by a LIMIT loop, and how long the longest transaction of each is;
 * half of a table goes, with and without an index on its age, and with an old snapshot open beside.
 * Run it with `node bench/prune.ts [rows]`; 6,000,000 rows where left out.
 */
import { tmpdir } from 'node:os';
import { Client } from 'pg';
import { startCluster, type Cluster } from '../src/adapters/cluster.ts';
import { parseConnection } from '../src/adapters/connection.ts';
import { openSession } from '../src/adapters/postgres.ts';
import { findServerPrograms } from '../src/adapters/server-programs.ts';
import { Secret } from '../src/base/secret.ts';
import { prune } from '../src/tasks/prune.ts';
import { runTask } from '../test/support/run-task.ts';

const ROWS = Number(process.argv[2] ?? 6_000_000);
/** A contestant that is not done by then is measured by what it has done. */
const PATIENCE_MS = 60_000;

interface Done {
  readonly rows: number;
  readonly longestMs: number;
}

type Contestant = (server: Cluster, database: string) => Promise<Done>;

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs were found; install the package postgresql');
await using cluster = await startCluster({
  ...programs,
  parentDirectory: tmpdir(),
  uid: process.getuid?.(),
  settings: { shared_buffers: '512MB', max_wal_size: '4GB', autovacuum: 'off' },
});
await makeTemplate(cluster);
const table: Record<string, string | number>[] = [];
for (const isIndexed of [true, false]) {
  for (const hasSnapshot of isIndexed ? [false, true] : [false])
    for (const [name, contestant] of Object.entries({
      'one DELETE': oneDelete,
      'LIMIT loop': limitLoop,
      'maint prune': maint,
    }))
      table.push(await race({ name, contestant, isIndexed, hasSnapshot }));
}
console.table(table);

interface Round {
  readonly name: string;
  readonly contestant: Contestant;
  readonly isIndexed: boolean;
  readonly hasSnapshot: boolean;
}

async function race({ name, contestant, isIndexed, hasSnapshot }: Round): Promise<Record<string, string | number>> {
  await query(cluster, 'postgres', 'DROP DATABASE IF EXISTS round WITH (FORCE)');
  await query(cluster, 'postgres', 'CREATE DATABASE round TEMPLATE filled');
  if (!isIndexed) await query(cluster, 'round', 'DROP INDEX events_at_idx');
  await query(cluster, 'round', 'SELECT sum(length(body)) FROM events');
  await query(cluster, 'round', 'CHECKPOINT');
  const reader = await connected(cluster, 'round');
  if (hasSnapshot) await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM events LIMIT 1');
  const startedAt = performance.now();
  const { rows, longestMs } = await contestant(cluster, 'round');
  const ms = performance.now() - startedAt;
  await reader.end();
  return {
    index: isIndexed ? 'yes' : 'no',
    'old snapshot': hasSnapshot ? 'yes' : 'no',
    contestant: name,
    'rows deleted': rows,
    'rows a second': Math.round((rows / ms) * 1_000),
    'longest transaction ms': Math.round(longestMs),
  };
}

async function oneDelete(server: Cluster, database: string): Promise<Done> {
  const startedAt = performance.now();
  const rows = await query(server, database, `DELETE FROM events WHERE at < now() - interval '30 days'`);
  return { rows, longestMs: performance.now() - startedAt };
}

async function limitLoop(server: Cluster, database: string): Promise<Done> {
  const client = await connected(server, database);
  const end = performance.now() + PATIENCE_MS;
  let [rows, longestMs] = [0, 0];
  for (;;) {
    const startedAt = performance.now();
    const { rowCount } = await client.query(
      `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < now() - interval '30 days' ORDER BY at LIMIT 5000)`,
    );
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    rows += rowCount ?? 0;
    if (rowCount === 0 || performance.now() > end) break;
  }
  await client.end();
  return { rows, longestMs };
}

async function maint(server: Cluster, database: string): Promise<Done> {
  await using session = openSession({
    connection: parseConnection(new Secret(server.url(database))),
    mode: 'read-write',
    limits: { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 },
    applicationName: 'maint/bench',
  });
  const rules = [{ name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 0.9 }];
  const [outcome] = await runTask(prune, { rules, pace: 'full' }, { database: session });
  if (outcome?.status !== 'done') throw new Error(outcome?.summary ?? 'no outcome');
  return { rows: Number(outcome.facts?.['rows']), longestMs: Number(outcome.facts?.['longestMs']) };
}

async function makeTemplate(server: Cluster): Promise<void> {
  await query(server, 'postgres', 'CREATE DATABASE filled');
  await query(server, 'filled', 'CREATE TABLE events (id bigint, at timestamptz, kind int, body text)');
  await query(
    server,
    'filled',
    `INSERT INTO events
     SELECT g, now() - interval '60 days' * (1 - g::float8 / ${ROWS}), g % 50, repeat(md5(g::text), 3)
       FROM generate_series(1, ${ROWS}) g`,
  );
  await query(server, 'filled', 'ALTER TABLE events ADD PRIMARY KEY (id)');
  await query(server, 'filled', 'CREATE INDEX ON events (at)');
  await query(server, 'filled', 'VACUUM ANALYZE events');
}

async function connected(server: Cluster, name: string): Promise<Client> {
  const { host, port, database, user } = parseConnection(new Secret(server.url(name)));
  const client = new Client({ host, port, database, user });
  await client.connect();
  return client;
}

async function query(server: Cluster, database: string, text: string): Promise<number> {
  const client = await connected(server, database);
  try {
    return (await client.query(text)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}
