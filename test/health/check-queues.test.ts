import { expect } from 'vitest';
import { test, type TestDatabase } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';
import { makeHotmesh } from '../support/hotmesh.ts';

async function queues(database: TestDatabase, settings: object = {}) {
  return (await runHealth(database.url, { settings: { disks: [], queues: settings } }))['queues'];
}

/** As far as the check has to do with it. */
const GRAPHILE = `
  CREATE SCHEMA graphile_worker;
  CREATE TABLE graphile_worker._private_jobs (
    id bigserial PRIMARY KEY, task_id int, payload json, run_at timestamptz NOT NULL DEFAULT now(),
    attempts smallint NOT NULL DEFAULT 0, max_attempts smallint NOT NULL DEFAULT 25, last_error text,
    locked_at timestamptz, locked_by text);
  CREATE VIEW graphile_worker.jobs AS
    SELECT id, 'mail' AS task_identifier, run_at, attempts, max_attempts, last_error, locked_at, locked_by
      FROM graphile_worker._private_jobs;`;

const PGBOSS = `
  CREATE SCHEMA pgboss;
  CREATE TYPE pgboss.job_state AS ENUM ('created', 'retry', 'active', 'completed', 'cancelled', 'failed');
  CREATE TABLE pgboss.job (
    id uuid DEFAULT gen_random_uuid(), name text, state pgboss.job_state DEFAULT 'created', singleton_key text,
    start_after timestamptz DEFAULT now(), keep_until timestamptz DEFAULT now() + interval '14 days')
    PARTITION BY LIST (name);
  CREATE TABLE pgboss.j1 PARTITION OF pgboss.job FOR VALUES IN ('import');`;

test('a database without a queue is skipped; a foreign table of the same name is none', async ({ database }) => {
  await database.query('CREATE TABLE jobs (id int, title text)');
  expect(await queues(database)).toMatchObject({ verdict: 'skip', summary: 'no queue in this database' });
});

test('jobs of graphile-worker count from when they could run, and not while a worker has them', async ({
  database,
}) => {
  await database.query(GRAPHILE);
  await database.query(`INSERT INTO graphile_worker._private_jobs (run_at, locked_at) VALUES
    (now() + interval '1 day', NULL), (now() - interval '2 hours', now())`);
  expect(await queues(database)).toMatchObject({
    verdict: 'done',
    summary: 'graphile-worker graphile_worker: nothing waits',
  });
  await database.query(`INSERT INTO graphile_worker._private_jobs (run_at) VALUES (now() - interval '10 minutes')`);
  expect(await queues(database)).toMatchObject({
    verdict: 'warn',
    summary: expect.stringMatching(/^graphile-worker graphile_worker: the oldest job ready for 10 min/),
    remediation: expect.arrayContaining([expect.stringContaining('"graphile_worker"."jobs"')]),
  });
  await database.query(
    `UPDATE graphile_worker._private_jobs SET attempts = 25 WHERE locked_at IS NULL AND run_at < now()`,
  );
  expect(await queues(database)).toMatchObject({
    verdict: 'fail',
    summary: expect.stringMatching(/1 job failed for good/),
  });
  expect(await queues(database, { maxDead: 1 })).toMatchObject({ verdict: 'done' });
  expect(await queues(database, { ignore: ['graphile-worker graphile_worker'] })).toMatchObject({ verdict: 'skip' });
});

test('pg-boss and HotMesh are found too, and the worst of them decides', async ({ database }) => {
  await database.query(PGBOSS);
  await makeHotmesh(database, 'shop', 'new');
  await database.query(`INSERT INTO pgboss.job (name, state, start_after) VALUES
    ('import', 'created', now() - interval '1 hour'), ('import', 'completed', now() - interval '9 hours')`);
  const step = await queues(database);
  expect(step).toMatchObject({
    verdict: 'fail',
    summary: expect.stringMatching(/^pg-boss pgboss: the oldest job ready for 1 h/),
  });
  expect(step?.facts['queues']).toMatchObject([
    { name: 'pg-boss pgboss', dead: 0 },
    { name: 'hotmesh shop.engine_streams', readyMs: null, dead: 0 },
    { name: 'hotmesh shop.worker_streams', readyMs: null, dead: 0 },
  ]);
  await database.query(`UPDATE pgboss.job SET state = 'failed' WHERE state = 'created'`);
  expect(await queues(database)).toMatchObject({ verdict: 'fail', summary: expect.stringContaining('1 job failed') });
});

test('other queues are asked by a query', async ({ database }) => {
  await database.query(`CREATE TABLE outbox AS SELECT now() - interval '40 minutes' AS queued, false AS failed`);
  const others = [{ name: 'outbox', sql: 'SELECT min(queued), count(*) FILTER (WHERE failed) FROM outbox' }];
  expect(await queues(database, { others })).toMatchObject({
    verdict: 'fail',
    summary: expect.stringMatching(/^outbox: the oldest job ready for 40 min/),
  });
});
