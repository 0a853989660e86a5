import { expect } from 'vitest';
import { openApp } from '../support/client.ts';
import { test, type TestDatabase } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';

async function indexes(database: TestDatabase, settings: object = {}) {
  const steps = await runHealth(database.url, { settings: { disks: [], invalidIndexes: settings } });
  return steps['invalid indexes'];
}

/** A concurrent build that fails at the second row leaves its index behind. */
async function leaveIndexBehind(database: TestDatabase): Promise<void> {
  await database.query('CREATE TABLE users (email text)');
  await database.query(`INSERT INTO users VALUES ('a'), ('a')`);
  await expect(database.query('CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email)')).rejects.toThrow(
    /unique/,
  );
}

test('an index whose concurrent build failed is named, and repaired by the statement told', async ({ database }) => {
  await leaveIndexBehind(database);
  const found = await indexes(database);
  expect(found).toMatchObject({
    verdict: 'warn',
    summary: expect.stringMatching(/^1 invalid index: public\.users_email \(.*\)$/),
    samples: [{ name: 'indexes.invalid', value: 1 }],
  });
  await database.query('DELETE FROM users');
  await database.query(found?.remediation[0] ?? '');
  expect(await indexes(database)).toMatchObject({ verdict: 'done', summary: 'no invalid index', remediation: [] });
});

test('what REINDEX CONCURRENTLY left over is to be dropped', async ({ database }) => {
  await database.query('CREATE TABLE users (email text)');
  await database.query('CREATE INDEX users_email ON users (email)');
  await database.query('ALTER INDEX users_email RENAME TO users_email_ccnew1');
  await database.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_email_ccnew1'::regclass`);
  const found = await indexes(database);
  expect(found?.remediation).toEqual([expect.stringContaining('DROP INDEX CONCURRENTLY public.users_email_ccnew1;')]);
  await database.query(found?.remediation[0] ?? '');
  expect((await indexes(database))?.verdict).toBe('done');
});

test('an index that is being built now is no finding', async ({ database }) => {
  await leaveIndexBehind(database);
  await using builder = await openApp(database.url, 'builder');
  await builder.query('BEGIN; LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE');
  expect((await indexes(database))?.verdict).toBe('done');
  await builder.query('ROLLBACK');
  expect((await indexes(database))?.verdict).toBe('warn');
});

test('an index that someone knows of is left out', async ({ database }) => {
  await leaveIndexBehind(database);
  expect((await indexes(database, { ignore: ['public.users_email'] }))?.verdict).toBe('done');
});
