import { readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test as plainTest } from 'vitest';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { slugOf } from '../../src/engine/fault.ts';
import { health } from '../../src/tasks/health.ts';
import { LIMITS, queryOnce, test } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';
import { performSteps, planTask } from '../support/run-task.ts';

/** The steps that ask the database, in the order of the report. */
const DATABASE_STEPS = [
  'database answers',
  'connections',
  'long transactions',
  'idle in transaction',
  'blocked sessions',
  'transaction ids',
  'sequences',
  'invalid indexes',
  'checksums',
  'replication',
  'clock',
  'queues',
];
/** Those that ask this host. */
const HOST_STEPS = ['memory', 'descriptors', 'disk /'];

/** A server of its own: it is stopped, filled up and counted on. Seven connections are for ordinary roles. */
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { max_connections: '10', superuser_reserved_connections: '3', log_connections: 'on' },
  });
  await queryOnce(cluster.url('postgres'), `CREATE ROLE app LOGIN`);
  await queryOnce(cluster.url('postgres'), `CREATE ROLE guarded LOGIN PASSWORD 'right'`);
  await queryOnce(cluster.url('postgres'), 'CHECKPOINT');
  await cluster.stop();
  const rules = join(cluster.directory, 'data', 'pg_hba.conf');
  await writeFile(rules, `local all guarded scram-sha-256\n${await readFile(rules, 'utf8')}`);
  await cluster.start();
});

afterAll(async () => cluster[Symbol.asyncDispose]());

function urlAs(user: string): string {
  return cluster.url('postgres').replace('//postgres@', `//${user}@`);
}

/** Holds connections until the end of the test. */
async function hold(count: number, applicationName: string, user = 'app'): Promise<AsyncDisposable> {
  const clients = Array.from(
    { length: count },
    () => new Client({ host: cluster.socketDirectory, database: 'postgres', user, application_name: applicationName }),
  );
  for (const client of clients) client.on('error', () => undefined);
  await Promise.all(clients.map((client) => client.connect()));
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(clients.map((client) => client.end()))) };
}

test('a database with room to spare is healthy', async ({ database }) => {
  const steps = await runHealth(database.url, { settings: { disks: ['/'] } });
  expect(Object.keys(steps)).toEqual([...DATABASE_STEPS, ...HOST_STEPS]);
  expect(steps['database answers']).toMatchObject({
    summary: expect.stringMatching(/^answered in .* \(connecting .*, a query .*\), PostgreSQL \d+\.\d+$/),
    facts: { isStandby: false },
    samples: [{ name: 'database.connect', subject: expect.stringContaining(database.name), unit: 'seconds' }],
  });
  expect(steps['connections']).toMatchObject({
    verdict: 'done',
    summary: expect.stringMatching(/^\d+ of 97 connections in use \(\d+ %\)/),
    facts: { limit: 97 },
  });
});

test('a slow answer warns with what to look at', async ({ database }) => {
  const steps = await runHealth(database.url, { settings: { database: { warnAfter: '1ms' }, disks: [] } });
  expect(steps['database answers']).toMatchObject({
    verdict: 'warn',
    remediation: expect.arrayContaining([expect.stringContaining('psql')]),
  });
  expect(steps['connections']?.verdict).toBe('done');
});

test('without settings the disks are the root and those of a local database, each once', async ({ database }) => {
  const [row] = await database.query<{ directory: string }>(`SELECT current_setting('data_directory') AS directory`);
  const directory = row?.directory ?? '';
  const isApart = (await stat(directory)).dev !== (await stat('/')).dev;
  const disks = Object.keys(await runHealth(database.url)).filter((title) => title.startsWith('disk'));
  expect(disks).toEqual(isApart ? ['disk /', `disk ${directory}`] : ['disk /']);
});

test('a missing path is a crash, for it says nothing about a disk', async ({ database }) => {
  const steps = await runHealth(database.url, { settings: { disks: ['/nowhere/at/all'] } });
  expect(steps['disk /nowhere/at/all']).toMatchObject({ verdict: 'crash', code: 'FILE_UNUSABLE' });
});

plainTest('a stopped server is one failure, and everything else is still looked at', async () => {
  await cluster.stop();
  try {
    const steps = await runHealth(cluster.url('postgres'));
    expect(Object.keys(steps)).toEqual([...DATABASE_STEPS, ...HOST_STEPS]);
    expect(steps['database answers']).toMatchObject({
      verdict: 'fail',
      facts: { code: 'DATABASE_UNREACHABLE' },
      remediation: [expect.stringContaining('Check that the server runs'), expect.stringContaining('systemctl')],
    });
    for (const title of DATABASE_STEPS.slice(1))
      expect(steps[title]).toMatchObject({
        verdict: 'skip',
        summary: 'the database does not answer',
        facts: { inhibitedBy: 'database answers' },
      });
    expect(steps['disk /']?.summary).toContain('full');
  } finally {
    await cluster.start();
  }
});

plainTest('a server that goes away in the middle is one crash, and the rest is skipped', async () => {
  await using database = openSession({
    connection: parseConnection(new Secret(cluster.url('postgres'))),
    mode: 'read-only',
    limits: LIMITS,
    applicationName: 'maint/health',
  });
  const [first, second, ...others] = await planTask(health, { disks: [] }, { database });
  if (first === undefined || second === undefined) throw new Error('health has fewer steps than it should');
  expect(await performSteps([first], { database })).toMatchObject([{ status: 'done' }]);
  await cluster.stop();
  try {
    await expect(performSteps([second], { database })).rejects.toMatchObject({
      code: expect.stringMatching(/^(CONNECTION_LOST|DATABASE_UNREACHABLE)$/),
    });
    const later = await performSteps(others.slice(0, DATABASE_STEPS.length - 2), { database });
    expect(new Set(later.map(({ summary }) => summary))).toEqual(new Set(['the database does not answer']));
  } finally {
    await cluster.start();
  }
});

plainTest('a wrong password fails, and is not told', async () => {
  const steps = await runHealth(urlAs('guarded:wr0ng'));
  expect(steps['database answers']).toMatchObject({
    verdict: 'fail',
    facts: { code: 'DATABASE_LOGIN_REFUSED' },
    remediation: [expect.stringContaining('password'), expect.any(String)],
  });
  expect(steps['connections']?.verdict).toBe('skip');
  expect(JSON.stringify(steps)).not.toContain('wr0ng');
  expect((await runHealth(urlAs('guarded:right')))['database answers']?.facts).not.toHaveProperty('code');
});

plainTest('a wrong database name fails and names it', async () => {
  expect((await runHealth(cluster.url('nowhere')))['database answers']).toMatchObject({
    verdict: 'fail',
    summary: expect.stringContaining('"nowhere"'),
    facts: { code: 'DATABASE_NOT_FOUND' },
  });
});

plainTest('a server without a free connection fails', async () => {
  await using _held = await hold(7, 'billing');
  const steps = await runHealth(urlAs('app'));
  expect(steps['database answers']).toMatchObject({ verdict: 'fail', facts: { code: 'DATABASE_BUSY' } });
  expect(steps['connections']?.verdict).toBe('skip');
});

plainTest('connections warn from 70 % and fail from 90 % on, and name who holds them', async () => {
  await using _four = await hold(4, 'billing');
  expect((await runHealth(cluster.url('postgres')))['connections']).toMatchObject({
    verdict: 'warn',
    summary: '5 of 7 connections in use (71 %); mostly billing idle 4, maint/health active 1',
    samples: [{ name: 'connections.used', value: 5 / 7, unit: 'ratio' }],
  });
  await using _two = await hold(2, 'worker');
  expect((await runHealth(cluster.url('postgres')))['connections']).toMatchObject({
    verdict: 'fail',
    summary: expect.stringMatching(/^7 of 7 connections in use \(100 %\)/),
    remediation: expect.arrayContaining([expect.stringContaining('pg_stat_activity')]),
  });
});

plainTest('a session that idles inside a transaction is named', async () => {
  const client = new Client({
    host: cluster.socketDirectory,
    database: 'postgres',
    user: 'app',
    application_name: 'forgetful',
  });
  await client.connect();
  try {
    const { rows } = await client
      .query<{ pid: number }>('BEGIN; SELECT 1')
      .then(() => client.query('SELECT pg_backend_pid() AS pid'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const pid = rows[0]?.pid;
    const named = await runHealth(cluster.url('postgres'), {
      settings: { connections: { idleInTransaction: '10ms' } },
    });
    expect(named['connections']).toMatchObject({
      summary: expect.stringContaining(`1 idle in transaction, longest forgetful (pid ${pid}) for `),
      facts: { idleInTransaction: [{ pid, applicationName: 'forgetful' }] },
      remediation: [expect.stringContaining(`SELECT pg_terminate_backend(${pid});`)],
    });
    const patient = await runHealth(cluster.url('postgres'));
    expect(patient['connections']?.summary).not.toContain('idle in transaction');
  } finally {
    await client.end();
  }
});

plainTest('a role that may see little counts all the same, and says what it cannot see', async () => {
  await using _held = await hold(2, 'billing', 'postgres');
  const steps = await runHealth(urlAs('app'));
  expect(steps['connections']).toMatchObject({
    verdict: 'done',
    summary: expect.stringMatching(/^3 of 7 connections in use .*; the state of 2 sessions is hidden from this role$/),
  });
  expect(steps['disk /']).toBeDefined();
});

plainTest('a role without any right finds out what it can, and crashes nowhere', async () => {
  await queryOnce(cluster.url('postgres'), 'CREATE TABLE IF NOT EXISTS secret_orders (id serial PRIMARY KEY)');
  const steps = await runHealth(urlAs('app'), { settings: { disks: [], expectRole: 'primary' } });
  expect(Object.values(steps).filter(({ verdict }) => verdict === 'crash')).toEqual([]);
});

plainTest('a run uses one connection and writes nothing', async () => {
  const connections = async (): Promise<number> =>
    (await readFile(join(cluster.directory, 'server.log'), 'utf8')).split('application_name=maint/').length - 1;
  const nextTransaction = () =>
    queryOnce(cluster.url('postgres'), `SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next`);
  const [connectionsBefore, transactionBefore] = [await connections(), await nextTransaction()];
  const steps = await runHealth(cluster.url('postgres'));
  expect(steps['connections']?.verdict).toBe('done');
  expect(await connections()).toBe(connectionsBefore + 1);
  expect(await nextTransaction()).toEqual(transactionBefore);
});

plainTest('PostgreSQL 18 is understood', async () => {
  await using newer = await startCluster({
    binDirectory: inject('embeddedBinDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { max_connections: '20', superuser_reserved_connections: '3', reserved_connections: '2' },
  });
  const steps = await runHealth(newer.url('postgres'));
  expect(steps['database answers']?.facts).toMatchObject({ version: expect.stringMatching(/^18\./) });
  expect(steps['connections']).toMatchObject({ verdict: 'done', facts: { used: 1, limit: 15 } });
  expect(Object.values(steps).filter(({ verdict }) => verdict === 'crash' || verdict === 'fail')).toEqual([]);
});

test('each check can be forced to each bad end, over the whole way, and keeps its concern', async ({ database }) => {
  const settings = {
    disks: ['/'],
    expectRole: 'primary',
    http: [{ name: 'front page', url: 'http://127.0.0.1:1/' }],
    processes: [{ unit: 'app.service' }],
    tcp: [{ host: '127.0.0.1', port: 1 }],
    dataCounts: [{ name: 'orders', sql: 'SELECT 1' }],
  };
  const titles = Object.keys(await runHealth(database.url, { settings: { ...settings, http: [], tcp: [] } }));
  const all = [...titles, 'http front page', 'tcp 127.0.0.1:1'];
  for (const verdict of ['warn', 'fail', 'crash']) {
    const faults = all.map((title) => `${slugOf(title)}=${verdict}`).join(',');
    const steps = await runHealth(database.url, { settings, faults });
    expect(Object.keys(steps).toSorted()).toEqual(all.toSorted());
    expect(new Set(Object.values(steps).map((step) => step.verdict))).toEqual(new Set([verdict]));
    for (const { concern, remediation } of Object.values(steps))
      expect([concern !== null, remediation.length]).toEqual([true, 1]);
  }
});
