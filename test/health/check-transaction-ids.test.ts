import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { openApp } from '../support/client.ts';
import { queryOnce } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';

/** A server on which autovacuum freezes at the earliest age there is, and never runs. */
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { autovacuum_freeze_max_age: '100000', autovacuum_multixact_freeze_max_age: '10000' },
  });
  await queryOnce(cluster.url('postgres'), 'CREATE DATABASE shop');
  await queryOnce(cluster.url('postgres'), 'CREATE UNLOGGED TABLE burnt (id int)');
});

afterAll(async () => cluster[Symbol.asyncDispose]());

/** Uses up transaction ids: each write in a block with a handler of its own takes one. */
async function burn(count: number): Promise<void> {
  const body = `BEGIN FOR i IN 1..${count} LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END`;
  await queryOnce(cluster.url('postgres'), `DO $$ ${body} $$`);
}

async function transactionIds(settings: object = {}, database = 'postgres') {
  const steps = await runHealth(cluster.url(database), { settings: { disks: [], transactionIds: settings } });
  return steps['transaction ids'];
}

test('a young server has used nearly nothing', async () => {
  expect(await transactionIds()).toMatchObject({
    verdict: 'done',
    summary: '0 % of the transaction ids used in database postgres',
    remediation: [],
  });
});

test('the database that is worst is the one that is named, with a command that reaches it', async () => {
  await queryOnce(cluster.url('postgres'), `UPDATE pg_database SET datfrozenxid = '2594967296' WHERE datname = 'shop'`);
  expect(await transactionIds()).toMatchObject({
    verdict: 'fail',
    summary: expect.stringMatching(
      /^79 % of the transaction ids used in database shop; autovacuum does not keep up: 1,700,\d{3},\d{3} transaction ids in shop, it freezes at 100,000$/,
    ),
    remediation: expect.arrayContaining([`vacuumdb --freeze --dbname 'shop'`]),
    samples: [{ name: 'transactionIds.used', value: expect.closeTo(0.79, 2), unit: 'ratio' }],
  });
  expect((await transactionIds({ failAt: 0.8 }))?.verdict).toBe('warn');
  expect((await transactionIds({}, 'shop'))?.remediation).toContainEqual(expect.stringMatching(/^VACUUM \(FREEZE/));
  await queryOnce(cluster.url('postgres'), `DROP DATABASE shop`);
});

test('ages that autovacuum cannot keep down warn, until what holds it back is ended', async () => {
  {
    await using holder = await openApp(cluster.url('postgres'), 'holder');
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM burnt');
    await burn(210_000);
    expect(await transactionIds()).toMatchObject({
      verdict: 'warn',
      summary: expect.stringMatching(
        /^0 % of the transaction ids used in database postgres; autovacuum does not keep up: 21\d,\d{3} transaction ids in postgres, it freezes at 100,000$/,
      ),
      remediation: expect.arrayContaining([
        expect.stringContaining('backend_xmin'),
        expect.stringMatching(/^VACUUM \(FREEZE, VERBOSE\) \S+; -- age 21\d,\d{3}$/),
      ]),
    });
    expect((await transactionIds({ overdueAt: 3 }))?.verdict).toBe('done');
  }
  await queryOnce(cluster.url('postgres'), 'VACUUM (FREEZE)');
  const databases = JSON.stringify((await transactionIds())?.facts['databases']);
  expect(databases).toMatch(/"database":"postgres","kind":"transaction ids","age":\d{1,3},/);
});
