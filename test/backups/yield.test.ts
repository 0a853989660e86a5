import fc from 'fast-check';
import { describe, expect, onTestFinished } from 'vitest';
import { openSession, type Session, type Snapshot } from '../../src/adapters/postgres.ts';
import { sql } from '../../src/adapters/sql.ts';
import { watched } from '../../src/backups/watch.ts';
import { describeWaiter, dumpSessionName, LockQueue, lookInterval, statementOf } from '../../src/backups/yield.ts';
import { eventually, openApp, type AppSession } from '../support/client.ts';
import { clusterUrl, LIMITS, test, type TestDatabase } from '../support/database.ts';
import { silentLog } from '../support/log.ts';

const ALTER = "ALTER TABLE users ADD COLUMN token text DEFAULT 'hunter2'";

interface Held {
  readonly snapshot: Snapshot;
  readonly queue: LockQueue;
}

/** A snapshot that has read the table, as counting does, and the queue behind it. */
async function hold(session: Session, action: 'warn' | 'abort' = 'warn', after = 0): Promise<Held> {
  const snapshot = await session.snapshot({});
  onTestFinished(() => snapshot[Symbol.asyncDispose]());
  const queue = new LockQueue({ database: session, snapshot, settings: { after, action }, everyMs: 1, log: silentLog });
  await queue.open();
  await snapshot.rows(sql`SELECT count(*) FROM users`);
  return { snapshot, queue };
}

/** A session of an application whose statement is under way. */
async function start(url: string, name: string, statement: string): Promise<AppSession> {
  const app = await openApp(url, name);
  // Ends with the locks that it waits for.
  app.query(statement).catch(() => undefined);
  onTestFinished(() => app[Symbol.asyncDispose]());
  return app;
}

async function waits(database: TestDatabase, { pid }: AppSession): Promise<void> {
  await eventually('the session waits', async () => {
    const [row] = await database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND pid = $1`,
      [pid],
    );
    return row?.n === 1;
  });
}

describe('who waits for the dump', () => {
  test('is found by the locks of the snapshot, and named without its literals', async ({ database, session }) => {
    await database.query('CREATE TABLE users (id int)');
    const { queue } = await hold(session);
    await queue.look();
    expect(queue.waiters).toEqual([]);
    const migration = await start(database.url, 'migrate', ALTER);
    const reader = await start(database.url, 'app', 'SELECT * FROM users');
    await waits(database, migration);
    await waits(database, reader);
    await queue.look();
    // The reader waits for the migration.
    expect(queue.waiters).toMatchObject([
      {
        pid: migration.pid,
        applicationName: 'migrate',
        statement: 'ALTER TABLE users ADD COLUMN token text DEFAULT …',
      },
    ]);
  });

  test('is found by the locks of the session of pg_dump', async ({ database, session }) => {
    await database.query('CREATE TABLE users (id int); CREATE TABLE orders (id int)');
    const { snapshot, queue } = await hold(session);
    const dump = await openApp(database.url, dumpSessionName(snapshot.id));
    await dump.query('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE');
    const migration = await start(database.url, 'migrate', 'DROP TABLE orders');
    await waits(database, migration);
    await queue.look();
    expect(queue.waiters).toMatchObject([{ pid: migration.pid, statement: 'DROP TABLE orders' }]);
    await dump[Symbol.asyncDispose]();
  });

  test('is nobody who waits for another role that borrowed the name', async ({ database, session }) => {
    const role = `${database.name}_r`;
    await database.query(`CREATE TABLE users (id int); CREATE TABLE orders (id int);
                          CREATE ROLE ${role} LOGIN; GRANT SELECT ON orders TO ${role}`);
    const { snapshot, queue } = await hold(session, 'abort');
    const impostor = await openApp(clusterUrl(database.name, role), dumpSessionName(snapshot.id));
    await impostor.query('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE');
    const migration = await start(database.url, 'migrate', 'DROP TABLE orders');
    await waits(database, migration);
    await queue.look();
    expect(queue.waiters).toEqual([]);
    await impostor[Symbol.asyncDispose]();
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('is of no interest before its time', async ({ database, session }) => {
    await database.query('CREATE TABLE users (id int)');
    const { queue } = await hold(session, 'abort', 60_000);
    await waits(database, await start(database.url, 'migrate', ALTER));
    await queue.look();
    expect(queue.waiters).toEqual([]);
  });

  test('is given way to, unless that would not help', async ({ database, session }) => {
    await database.query('CREATE TABLE users (id int)');
    const { queue } = await hold(session, 'abort');
    const report = await openApp(database.url, 'report');
    await report.query('BEGIN; SELECT * FROM users');
    await waits(database, await start(database.url, 'migrate', ALTER));
    await queue.look();
    expect(queue.waiters).toHaveLength(1);
    await report[Symbol.asyncDispose]();
    await eventually('the report is gone', async () => {
      const rows = await database.query(`SELECT FROM pg_stat_activity WHERE pid = ${report.pid}`);
      return rows.length === 0;
    });
    await expect(queue.look()).rejects.toMatchObject({
      code: 'LOCK_TIMED_OUT',
      exitCode: 4,
      detail: 'backup.yielded',
      message: expect.stringMatching(/^the dump gave way to .* ALTER TABLE users .*application migrate\)$/),
    });
  });
});

test('not being able to look is logged once and costs no backup', async ({ database, session }) => {
  await database.query('CREATE TABLE users (id int)');
  const { snapshot } = await hold(session);
  const connection = { ...database.connection, host: '/nonexistent' };
  await using nowhere = openSession({ connection, mode: 'read-only', limits: LIMITS, applicationName: 'test' });
  const said: string[] = [];
  const queue = new LockQueue({
    database: { ...nowhere, server: () => session.server() },
    snapshot,
    settings: { after: 0, action: 'abort' },
    everyMs: 1,
    log: { ...silentLog, warn: (_, message) => void said.push(message) },
  });
  await queue.open();
  await queue.look();
  await queue.look();
  expect(said).toEqual(['could not look who waits for the dump']);
});

describe('watching', () => {
  test('ends with the work, and gives back what it made', async () => {
    let looks = 0;
    const value = await watched(
      { everyMs: 1, look: async () => void (looks += 1) },
      new AbortController().signal,
      async () => {
        await eventually('someone looked', async () => looks > 1);
        return 'made';
      },
    );
    expect(value).toBe('made');
    const after = looks;
    await new Promise((done) => setTimeout(done, 20));
    expect(looks).toBe(after);
  });

  test('stops the work with what a look throws', async () => {
    const look = (): Promise<void> => Promise.reject(new Error('enough'));
    const work = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    await expect(watched({ everyMs: 1, look }, new AbortController().signal, work)).rejects.toThrow('enough');
  });

  test('throws what the work throws', async () => {
    const watch = { everyMs: 1, look: async () => undefined };
    const work = (): Promise<never> => Promise.reject(new Error('broken'));
    await expect(watched(watch, new AbortController().signal, work)).rejects.toThrow('broken');
  });

  test('looks every five seconds, or closer where patience is short', () => {
    const intervals = [60_000, 3_000, 1].map((after) => lookInterval({ after, action: 'warn' }));
    expect(intervals).toEqual([5_000, 1_000, 200]);
  });
});

describe('a foreign statement', () => {
  test.for([
    ['ALTER TABLE a ADD COLUMN b int', 'ALTER TABLE a ADD COLUMN b int'],
    ['  DROP\n\tTABLE a;  ', 'DROP TABLE a;'],
    [`UPDATE a SET b = 'secret', c = 1`, 'UPDATE a SET b = …'],
    [`DO $x$ secret $x$`, 'DO …'],
    [`/* action='deploy' */ ALTER TABLE a DROP b -- it's late`, 'ALTER TABLE a DROP b'],
    [`DROP TABLE "it's"`, 'DROP TABLE "it …'],
    ['\u001b[31mDROP TABLE a\u202e', 'DROP TABLE a'],
    ['<insufficient privilege>', undefined],
    ['', undefined],
  ] as const)('%j is shown as %j', ([query, shown]) => {
    expect(statementOf(query)).toBe(shown);
  });

  test('is cut after 200 letters', () => {
    expect(statementOf(`SELECT ${'x'.repeat(500)}`)).toBe(`SELECT ${'x'.repeat(193)} …`);
  });

  test('never shows what stands in a literal', () => {
    const anything = fc.string({ unit: fc.constantFrom(`'`, '-', '/', '*', '$', '\\', '\n', 'a', ' ', '"') });
    fc.assert(
      fc.property(anything, (inside) => {
        const literal = `'${inside.replaceAll(`'`, `''`)}SECRET'`;
        expect(
          statementOf(`ALTER TABLE t ALTER c SET DEFAULT ${literal}, ALTER d SET DEFAULT ${literal}`),
        ).not.toContain('SECRET');
      }),
    );
  });

  test('stands in one line with who waits', () => {
    const waiter = { pid: 7, applicationName: 'a\u001b[31mb', statement: undefined, waitedMs: 61_000 };
    expect(describeWaiter(waiter)).toBe('1 min 1 s: a statement that this role may not see (pid 7, application ab)');
  });
});
