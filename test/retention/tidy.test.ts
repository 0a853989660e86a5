import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { prune } from '../../src/tasks/prune.ts';
import { openApp } from '../support/client.ts';
import { clusterUrl, LIMITS, test, type TestDatabase } from '../support/database.ts';
import { makeHotmesh } from '../support/hotmesh.ts';
import { putMix } from '../support/hotmesh-data.ts';
import { planTask, runTask } from '../support/run-task.ts';

const RULE = { name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 1 };
const SETTINGS = { rules: [RULE], pace: 'full' };

/** A row an hour: of 10,000 rows 9,281 are older than 30 days. */
async function makeEvents(database: TestDatabase, rows = 10_000): Promise<void> {
  await database.query(
    `CREATE TABLE events AS SELECT g AS id, now() - g * interval '1 hour' AS at FROM generate_series(1, ${rows}) g`,
  );
  await database.query('ANALYZE events');
}

describe('after the rules', () => {
  test('a table that lost much is vacuumed, and it is measured what that was good for', async ({
    database,
    session,
  }) => {
    await makeEvents(database);
    const [, outcome] = await runTask(prune, SETTINGS, { database: session });
    expect(outcome?.status).toBe('done');
    expect(outcome?.summary).toMatch(/^space of 9,281 dead rows in 1 table can be used again, after \d/);
    expect(outcome?.facts?.['tables']).toMatchObject([{ table: 'public.events', deadBefore: 9_281, deadAfter: 0 }]);
    const [vacuumed] = await database.query<{ done: boolean }>(
      `SELECT last_vacuum IS NOT NULL AND last_analyze IS NOT NULL AS done FROM pg_stat_user_tables WHERE relname = 'events'`,
    );
    expect(vacuumed).toEqual({ done: true });
  });

  test('rows that an old snapshot still sees are not counted as given back', async ({ database, session }) => {
    await makeEvents(database);
    await using reader = await openApp(database.url, 'report');
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events');
    const [, outcome] = await runTask(prune, SETTINGS, { database: session });
    expect(outcome?.facts?.['tables']).toMatchObject([{ deadBefore: 9_281, deadAfter: 9_281 }]);
    expect(outcome?.summary).toContain('space of 0 dead rows');
  });

  test('a table that lost little is left to autovacuum, and so is everything with `vacuum: false`', async ({
    database,
    session,
  }) => {
    await makeEvents(database, 760);
    const [, outcome] = await runTask(prune, SETTINGS, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { tables: [] } });
    const steps = await planTask(prune, { ...SETTINGS, vacuum: false }, { database: session });
    expect(steps.map(({ title }) => title)).toEqual(['rule events']);
    const [, nothing] = await runTask(prune, SETTINGS, { database: session });
    expect(nothing).toMatchObject({ status: 'skip', summary: 'no row went' });
  });

  test('what the role may not vacuum, or someone has locked, is said to be left', async ({ database }) => {
    await makeEvents(database);
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT, DELETE ON events TO ${role}`);
    {
      await using session = openSession({
        connection: parseConnection(new Secret(clusterUrl(database.name, role))),
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      });
      const [, outcome] = await runTask(prune, SETTINGS, { database: session });
      expect(outcome?.summary).toContain('the server left 1 table to autovacuum');
      expect(JSON.stringify(outcome?.facts?.['tables'])).toContain('skipping');
    }
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('the attributes that went with jobs are vacuumed too', async ({ database, session }) => {
    await makeHotmesh(database, 'app', 'new');
    await putMix(database, 'app', 'new', 1_500);
    await database.query('ANALYZE');
    const outcomes = await runTask(prune, { hotmesh: {}, pace: 'full' }, { database: session });
    const told = JSON.stringify(outcomes.at(-1)?.facts);
    for (const part of ['jobs_part_0', 'jobs_attributes_part_0', 'engine_streams_part_'])
      expect(told).toContain(`app.${part}`);
  });

  test('a session of maint has its own limits again', async ({ database, session }) => {
    await makeEvents(database);
    await runTask(prune, SETTINGS, { database: session });
    const [setting] = await database.query<{ delay: string }>(`SELECT current_setting('vacuum_cost_delay') AS delay`);
    const own = await session.rows<{ delay: string }>({
      text: `SELECT current_setting('vacuum_cost_delay') AS delay`,
      values: [],
    });
    expect(own).toEqual([setting]);
  });
});
