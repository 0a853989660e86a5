import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { eventually, openApp } from '../support/client.ts';
import { queryOnce } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';

/** A server of its own, for these checks look at the sessions of the whole server. */
let cluster: Cluster;
let url: string;

beforeAll(async () => {
  cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { max_prepared_transactions: '5' },
  });
  url = cluster.url('postgres');
  await queryOnce(url, 'CREATE TABLE orders (id serial PRIMARY KEY, paid bool)');
  await queryOnce(url, 'INSERT INTO orders (paid) VALUES (false)');
  await queryOnce(url, 'CREATE ROLE app LOGIN');
});

afterAll(async () => cluster[Symbol.asyncDispose]());

const AT_ONCE = { warnAfter: '1ms', failAfter: '1 h' };
const FAIL_AT_ONCE = { warnAfter: '1ms', failAfter: '2ms' };

/** Runs health as this user and gives the step of that title. */
async function step(title: string, settings: object, user = 'postgres') {
  const steps = await runHealth(url.replace('//postgres@', `//${user}@`), { settings: { disks: [], ...settings } });
  return steps[title];
}

async function isWaiting(pid: number): Promise<boolean> {
  const rows = await queryOnce(url, `SELECT FROM pg_locks WHERE pid = ${pid} AND NOT granted`);
  return rows.length > 0;
}

describe('long transactions', () => {
  test('are none on a quiet server', async () => {
    expect(await step('long transactions', {})).toMatchObject({
      verdict: 'done',
      summary: 'no open transaction',
      remediation: [],
      samples: [{ name: 'transactions.longest', value: 0, unit: 'seconds' }],
    });
  });

  test('are named with process, application, beginning of the query, and what ends them', async () => {
    await using report = await openApp(url, 'report');
    const sleeping = report.query('SELECT pg_sleep(60)').catch(() => undefined);
    const settings = { longTransactions: AT_ONCE };
    await eventually('it is at work', async () => (await step('long transactions', settings))?.verdict === 'warn');
    const found = await step('long transactions', settings);
    expect(found).toMatchObject({
      verdict: 'warn',
      summary: expect.stringMatching(
        new RegExp(
          String.raw`^1 open transaction, the longest for .*: report \(pid ${report.pid}, database postgres\), last query began at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`,
        ),
      ),
      facts: { old: [{ pid: report.pid, applicationName: 'report', user: 'postgres' }] },
    });
    expect(await step('long transactions', {})).toMatchObject({ verdict: 'done', remediation: [] });
    expect((await step('long transactions', { longTransactions: FAIL_AT_ONCE }))?.verdict).toBe('fail');
    expect((await step('idle in transaction', { idleInTransaction: AT_ONCE }))?.verdict).toBe('done');
    const [remedy = ''] = found?.remediation ?? [];
    await queryOnce(url, remedy);
    await sleeping;
    expect((await step('long transactions', settings))?.verdict).toBe('done');
  });

  test('of a dump, or of another application that is allowed to, may last', async () => {
    await using dump = await openApp(url, 'pg_dump');
    const sleeping = dump.query('SELECT pg_sleep(60)').catch(() => undefined);
    expect(await step('long transactions', { longTransactions: FAIL_AT_ONCE })).toMatchObject({ verdict: 'done' });
    expect(await step('long transactions', { longTransactions: { ...FAIL_AT_ONCE, ignore: ['etl'] } })).toMatchObject({
      verdict: 'fail',
    });
    await queryOnce(url, `SELECT pg_cancel_backend(${dump.pid})`);
    await sleeping;
  });

  test('that were prepared and forgotten are found without any session', async () => {
    await queryOnce(url, `BEGIN; DELETE FROM orders; PREPARE TRANSACTION 'it''s stuck'`);
    const found = await step('long transactions', { longTransactions: FAIL_AT_ONCE });
    expect(found).toMatchObject({
      verdict: 'fail',
      summary: expect.stringContaining(`prepared transaction "it's stuck" in database postgres`),
    });
    await queryOnce(url, found?.remediation[0] ?? '');
    expect((await step('long transactions', { longTransactions: FAIL_AT_ONCE }))?.verdict).toBe('done');
  });
});

describe('a session idle in transaction', () => {
  test('is named, and is no long transaction besides', async () => {
    await using forgetful = await openApp(url, 'forgetful');
    await forgetful.query('BEGIN');
    await forgetful.query('SELECT 1');
    await eventually(
      'it idles',
      async () => (await step('idle in transaction', { idleInTransaction: AT_ONCE }))?.verdict === 'warn',
    );
    expect(await step('idle in transaction', { idleInTransaction: AT_ONCE })).toMatchObject({
      summary: expect.stringContaining(`: forgetful (pid ${forgetful.pid}, database postgres), last query began at `),
      remediation: [
        expect.stringContaining(`SELECT pg_terminate_backend(${forgetful.pid});`),
        expect.stringContaining('idle_in_transaction_session_timeout'),
      ],
    });
    expect((await step('idle in transaction', { idleInTransaction: FAIL_AT_ONCE }))?.verdict).toBe('fail');
    expect(await step('idle in transaction', {})).toMatchObject({ verdict: 'done', remediation: [] });
    expect((await step('long transactions', { longTransactions: FAIL_AT_ONCE }))?.verdict).toBe('done');
  });

  test('that the role may not see is counted as hidden', async () => {
    await using forgetful = await openApp(url, 'forgetful');
    await forgetful.query('BEGIN');
    expect(await step('idle in transaction', { idleInTransaction: FAIL_AT_ONCE }, 'app')).toMatchObject({
      verdict: 'done',
      summary: 'no session idle in transaction; the state of 1 session is hidden from this role',
    });
  });
});

describe('blocked sessions', () => {
  test('name the one session at the head of the queue, and ending it lets the others go on', async () => {
    expect((await step('blocked sessions', {}))?.summary).toBe('no session waits for a lock');
    await using forgetful = await openApp(url, 'forgetful');
    await forgetful.query('BEGIN; UPDATE orders SET paid = true');
    await using migration = await openApp(url, 'migration');
    await using shop = await openApp(url, 'shop');
    const altering = migration.query('ALTER TABLE orders ADD COLUMN note text');
    await eventually('it waits', () => isWaiting(migration.pid));
    const reading = shop.query('SELECT * FROM orders');
    await eventually('it waits', () => isWaiting(shop.pid));

    const found = await step('blocked sessions', { blockedSessions: FAIL_AT_ONCE });
    expect(found).toMatchObject({
      verdict: 'fail',
      summary: expect.stringMatching(/^2 sessions waiting for a lock, the longest for .*; blocked by forgetful/),
      facts: { blockers: [{ pid: forgetful.pid, state: 'idle in transaction' }] },
    });
    expect(found?.remediation[0]).toMatch(
      new RegExp(String.raw`^SELECT pg_terminate_backend\(${forgetful.pid}\); -- forgetful`),
    );
    const others = Object.values(await runHealth(url, { settings: { disks: [] } }));
    expect(others.filter(({ verdict }) => verdict === 'crash')).toEqual([]);
    expect(await step('blocked sessions', {})).toMatchObject({ verdict: 'done', remediation: [] });
    await queryOnce(url, found?.remediation[0] ?? '');
    await Promise.all([altering, reading]);
    expect((await step('blocked sessions', {}))?.summary).toBe('no session waits for a lock');
  });

  test('behind a prepared transaction lead to it', async () => {
    await queryOnce(url, `BEGIN; UPDATE orders SET paid = false; PREPARE TRANSACTION 'half'`);
    await using shop = await openApp(url, 'shop');
    const waiting = shop.query('UPDATE orders SET paid = true');
    await eventually('it waits', () => isWaiting(shop.pid));
    expect(await step('blocked sessions', { blockedSessions: FAIL_AT_ONCE })).toMatchObject({
      verdict: 'fail',
      summary: expect.stringContaining('blocked by a prepared transaction'),
      remediation: [expect.stringContaining('pg_prepared_xacts'), expect.any(String)],
    });
    await queryOnce(url, `ROLLBACK PREPARED 'half'`);
    await waiting;
  });
});
