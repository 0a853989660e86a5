import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { prune } from '../../src/tasks/prune.ts';
import { openApp } from '../support/client.ts';
import { LIMITS, queryOnce } from '../support/database.ts';
import { runTask } from '../support/run-task.ts';
import { startStandby } from '../support/standby.ts';

let cluster: Cluster;

/** A server whose transaction ids run out soon. */
beforeAll(async () => {
  cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { autovacuum_freeze_max_age: '100000', autovacuum_naptime: '1s', wal_level: 'replica', autovacuum: 'on' },
  });
  await query(
    `CREATE TABLE events AS SELECT g AS id, now() - g * interval '1 day' + interval '1 hour' AS at FROM generate_series(1, 40) g`,
  );
  await query('CREATE INDEX ON events (at); CREATE TABLE filler (body text)');
});

afterAll(() => cluster[Symbol.asyncDispose]());

async function query<Row extends object>(text: string): Promise<readonly Row[]> {
  return queryOnce<Row>(cluster.url('postgres'), text);
}

/** Some 20 MB. */
async function writeWal(): Promise<void> {
  await query(`INSERT INTO filler SELECT repeat(md5(g::text), 60) FROM generate_series(1, 10000) g`);
}

interface Pruning {
  readonly table?: string;
  /** Called each time the gates were looked at. */
  readonly onLook?: () => void;
}

async function pruned(gates: object, { table = 'events', onLook }: Pruning = {}): Promise<Outcome | undefined> {
  await using session = openSession({
    connection: parseConnection(new Secret(cluster.url('postgres'))),
    mode: 'read-write',
    limits: LIMITS,
    applicationName: 'maint/test',
  });
  const rules = [{ name: 'events', table, age: 'at', olderThan: '30 days' }];
  const settings = { rules, gates: { patience: '1ms', ...gates }, vacuum: false };
  const watched: typeof session = {
    ...session,
    rows: async (statement) => {
      const rows = await session.rows(statement);
      if (statement.text.includes('pg_stat_get_wal_senders')) onLook?.();
      return rows;
    },
  };
  const [outcome] = await runTask(prune, settings, { database: watched });
  return outcome;
}

test('batches wait for a slot that holds WAL back, and in the end the rule gives up', async () => {
  await query(`SELECT pg_create_physical_replication_slot('left_behind', true)`);
  await writeWal();
  const outcome = await pruned({ maxSlotLag: '4 MB' });
  expect(outcome).toMatchObject({ status: 'warn', facts: { ending: 'replication slots', rows: 0, remaining: 10 } });
  expect(outcome?.remediation?.join()).toContain('pg_replication_slots');
  await query(`SELECT pg_drop_replication_slot('left_behind')`);
});

test('batches wait for a replica that is behind, and go on once it has caught up', { timeout: 60_000 }, async () => {
  using standby = startStandby(cluster, inject('binDirectory'));
  await queryOnce(standby.url('postgres'), 'SELECT pg_wal_replay_pause()');
  await writeWal();
  const limits = { maxReplicaLag: '4 MB' };
  expect(await pruned(limits)).toMatchObject({ status: 'warn', facts: { ending: 'replica lag', rows: 0 } });
  const { promise: looked, resolve: onLook } = Promise.withResolvers<void>();
  const run = pruned({ ...limits, patience: '30s' }, { onLook });
  await looked;
  await queryOnce(standby.url('postgres'), 'SELECT pg_wal_replay_resume()');
  const outcome = await run;
  expect(outcome).toMatchObject({ status: 'done', facts: { rows: 10, remaining: 0 } });
  expect(outcome?.facts?.['pausedMs']).toHaveProperty('replica lag');
  await query(
    `INSERT INTO events SELECT g, now() - g * interval '1 day' + interval '1 hour' FROM generate_series(31, 40) g`,
  );
});

test('batches wait while too many sessions are at work', async () => {
  await using busy = await openApp(cluster.url('postgres'), 'busy');
  await using other = await openApp(cluster.url('postgres'), 'other');
  const work = [busy, other].map((app) => expect(app.query('SELECT pg_sleep(60)')).rejects.toThrow('cancel'));
  const sleeping = `FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'`;
  await expect.poll(async () => query(`SELECT ${sleeping}`), { timeout: 30_000 }).toHaveLength(2);
  expect(await pruned({ maxActive: 1 })).toMatchObject({ status: 'warn', facts: { ending: 'load', rows: 0 } });
  await query(`SELECT pg_cancel_backend(pid) ${sleeping}`);
  await Promise.all(work);
});

test('batches wait while the server vacuums the table against wraparound', { timeout: 60_000 }, async () => {
  // So slow that it does not end before the test does, and nothing else brings a vacuum to it.
  await query(
    `CREATE TABLE old WITH (autovacuum_enabled = false, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1) AS
     SELECT g AS id, now() - g * interval '1 minute' AS at, repeat('x', 500) AS body FROM generate_series(1, 50000) g`,
  );
  await query('CREATE TABLE ids (id int)');
  await query(
    `DO $$ BEGIN FOR i IN 1..101000 LOOP
       BEGIN INSERT INTO ids VALUES (i); EXCEPTION WHEN unique_violation THEN NULL; END;
     END LOOP; END $$`,
  );
  for (let turn = 0; turn < 100; turn += 1) {
    const workers = await query(`SELECT FROM pg_stat_activity WHERE query LIKE 'autovacuum:%public.old %wraparound)'`);
    if (workers.length > 0) break;
    await setTimeout(200);
  }
  expect(await pruned({}, { table: 'old' })).toMatchObject({
    status: 'warn',
    facts: { ending: 'wraparound vacuum', rows: 0 },
  });
});
