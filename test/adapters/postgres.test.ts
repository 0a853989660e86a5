import { expect } from 'vitest';
import { openSession } from '../../src/adapters/postgres.ts';
import { ident, sql } from '../../src/adapters/sql.ts';
import { LIMITS, test } from '../support/database.ts';

test('a reader cannot write', async ({ database, reader }) => {
  await database.query('CREATE TABLE users (id int)');
  await expect(reader.run(sql`INSERT INTO users VALUES (${1})`)).rejects.toMatchObject({ code: 'READ_ONLY' });
});

test('a reader cannot switch itself to writing', async ({ database, reader }) => {
  await database.query('CREATE TABLE users (id int)');
  await expect(reader.run(sql`SET TRANSACTION READ WRITE`)).rejects.toMatchObject({ code: 'STATEMENT_FAILED' });
});

test('values are parameters and names are quoted', async ({ session }) => {
  const name = 'we"ird; DROP TABLE users';
  await session.run(sql`CREATE TABLE ${ident('public', name)} (note text)`);
  await session.run(sql`INSERT INTO ${ident(name)} VALUES (${`'); DROP TABLE users; --`})`);
  expect(await session.rows(sql<{ note: string }>`SELECT note FROM ${ident(name)}`)).toEqual([
    { note: `'); DROP TABLE users; --` },
  ]);
});

test('statements end at their limit and leave the session usable', async ({ database }) => {
  await using session = openSession({
    connection: database.connection,
    mode: 'read-only',
    limits: { ...LIMITS, statementTimeoutMs: 100 },
    applicationName: 'maint/test',
  });
  await expect(session.rows(sql`SELECT pg_sleep(30)`)).rejects.toMatchObject({ code: 'STATEMENT_TIMED_OUT' });
  expect(await session.rows(sql<{ one: number }>`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
});

test('waiting for a lock ends at its limit', async ({ database, session }) => {
  await database.query('CREATE TABLE users (id int)');
  await using holder = openSession({
    connection: database.connection,
    mode: 'read-write',
    limits: { ...LIMITS, lockTimeoutMs: 100 },
    applicationName: 'maint/test',
  });
  const held = session.rows(sql`SELECT pg_sleep(3), count(*) FROM users`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await expect(holder.run(sql`ALTER TABLE users ADD COLUMN name text`)).rejects.toMatchObject({
    code: 'LOCK_TIMED_OUT',
  });
  await held;
});

test('an abort cancels the statement on the server', async ({ database, session }) => {
  const controller = new AbortController();
  const running = session.within(controller.signal).rows(sql`SELECT pg_sleep(60) /* cancel me */`);
  setTimeout(() => controller.abort(), 300);
  await expect(running).rejects.toThrow(/abort/i);
  const left = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%cancel me%' AND state = 'active' AND pid <> pg_backend_pid()`,
  );
  expect(left).toEqual([]);
});

test('a session connects again after the server ended it', async ({ database, session }) => {
  const [before] = await session.rows(sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`);
  await database.query('SELECT pg_terminate_backend($1)', [before?.pid]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const [after] = await session.rows(sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`);
  expect(after?.pid).not.toBe(before?.pid);
});

test('a snapshot sees the database as it was when it was taken', async ({ database, session }) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await using snapshot = await session.snapshot({});
  await database.query('INSERT INTO users VALUES (2)');
  expect(await snapshot.rows(sql<{ rows: number }>`SELECT count(*)::int AS rows FROM users`)).toEqual([{ rows: 1 }]);
  expect(snapshot.id).toMatch(/^[0-9A-F-]+$/);
});

test('settings do not stay behind in the session, so a transaction pooler is safe', async ({ session }) => {
  const timeout = sql<{ now: string }>`SELECT setting AS now FROM pg_settings WHERE name = 'statement_timeout'`;
  expect(await session.rows(timeout)).toEqual([{ now: '30000' }]);
  expect(
    await session.rows(
      sql<{ reset: string }>`SELECT reset_val AS reset FROM pg_settings WHERE name = 'statement_timeout'`,
    ),
  ).toEqual([{ reset: '0' }]);
});
