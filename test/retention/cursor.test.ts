import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { takeLease } from '../../src/engine/lease.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { memoryOn, type Memory } from '../../src/engine/memory.ts';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import { prune } from '../../src/tasks/prune.ts';
import { clusterUrl, LIMITS, test, type TestDatabase } from '../support/database.ts';
import { planTask, runTask } from '../support/run-task.ts';

const RULE = { name: 'big', table: 'big', age: 'at', olderThan: '30 days', maxShare: 1 };

/** A row in each of 3,000 blocks, of which the first and those of the last third are young; no index on the age. */
async function makeBig(database: TestDatabase): Promise<void> {
  await database.query('CREATE SCHEMA maint');
  await database.query('CREATE TABLE big (id int PRIMARY KEY, at timestamptz, filler text) WITH (fillfactor = 10)');
  await database.query(
    `INSERT INTO big SELECT g, now() - CASE WHEN g BETWEEN 2 AND 2000 THEN interval '60 days' ELSE interval '1 day' END,
                            repeat('x', 500) FROM generate_series(1, 3000) g`,
  );
}

async function left(database: TestDatabase): Promise<string> {
  const [row] = await database.query<{ left: string }>(
    `SELECT min(id) || ', ' || count(*) AS left FROM big WHERE at < now() - interval '30 days'`,
  );
  return row?.left ?? 'none';
}

describe('a sweep over blocks that did not come to its end', () => {
  test('goes on where it was, by its first cutoff, until it is told to begin anew', async ({
    database,
    session,
    reader,
  }) => {
    await makeBig(database);
    const some = { rules: [RULE], pace: 'full', maxRows: 500 };
    const [first] = await runTask(prune, some, { database: session });
    expect(first).toMatchObject({ status: 'warn', facts: { ending: 'max-rows' } });
    const cursor = 'SELECT block::int, cutoff::text FROM maint.prune_cursor';
    const [begun] = await database.query<{ block: number; cutoff: string }>(cursor);
    expect(begun?.block).toBeGreaterThan(400);
    const [shown] = await planTask(prune, some, { database: reader });
    expect(shown?.intent?.join('\n')).toMatch(
      /public.big: goes on at block \d+ of 3,000, by the cutoff that it began with/,
    );

    // In place, in a block that lies behind it.
    await database.query(`UPDATE big SET at = now() - interval '60 days' WHERE id = 1`);
    await runTask(prune, some, { database: session });
    const [later] = await database.query<{ block: number; cutoff: string }>(cursor);
    expect(later?.block).toBeGreaterThan((begun?.block ?? 0) + 400);
    expect(later?.cutoff).toBe(begun?.cutoff);
    expect(await left(database)).toMatch(/^1, /);

    const other = { ...some, rules: [{ ...RULE, olderThan: '31 days' }], maxRows: 1 };
    await runTask(prune, other, { database: session });
    expect(await left(database), 'another rule is another sweep').not.toMatch(/^1, /);
    await database.query(`UPDATE big SET at = now() - interval '60 days' WHERE id = 2500`);
    await runTask(prune, { ...some, rules: [RULE], fresh: true, maxRows: 600 }, { database: session });

    await database.query(
      `UPDATE maint.prune_cursor SET cutoff = now() + interval '1 day', cutoff_key = now() + interval '1 day'`,
    );
    const [done] = await runTask(prune, { rules: [RULE], pace: 'full' }, { database: session });
    expect(done).toMatchObject({ status: 'done', facts: { remaining: 0 } });
    expect(await left(database)).toBe('none');
    const [young] = await database.query<{ rows: number }>('SELECT count(*)::int AS rows FROM big');
    expect(young?.rows, 'a cutoff that is later than that of today is not gone by').toBe(999);
    expect(await database.query(cursor)).toEqual([]);
  });
});

/** What a run finds in the journal; each opens it anew. */
async function withMemory<T>(folder: string, work: (memory: Memory) => Promise<T>): Promise<T> {
  using journal = openJournal(folder, new Date());
  return await work(memoryOn(journal.shelf('memory')));
}

describe('a role that may keep nothing in the database', () => {
  test('goes on by the journal, by the same rules, and without one from the beginning', async ({ database }) => {
    await makeBig(database);
    await database.query('ANALYZE big');
    const role = `plain_${randomBytes(4).toString('hex')}`;
    // What others keep there it may look at, and no more.
    await database.query(`
      CREATE TABLE maint.prune_cursor (LIKE pg_class); CREATE TABLE maint.lease (LIKE pg_class);
      CREATE ROLE ${role} LOGIN; GRANT SELECT, DELETE, UPDATE ON big TO ${role}`);
    {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'maint-test-'));
      await using session = openSession({
        connection: parseConnection(new Secret(clusterUrl(database.name, role))),
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      });
      const some = { rules: [RULE], pace: 'full', maxRows: 500, vacuum: false };
      const run = async (settings: object): Promise<Outcome | undefined> =>
        withMemory(folder.path, async (memory) => (await runTask(prune, settings, { database: session, memory }))[0]);
      const intent = async (): Promise<string> =>
        withMemory(folder.path, async (memory) => {
          const [step] = await planTask(prune, some, { database: session, memory });
          return step?.intent?.join('\n') ?? '';
        });

      expect(await run(some)).toMatchObject({ status: 'warn', facts: { ending: 'max-rows', rows: 500 } });
      const place = /goes on at block ([\d,]+) of 3,000, by the cutoff that it began with, (\S+);/;
      const [, , cutoff] = place.exec(await intent()) ?? [];
      expect(cutoff).toBeDefined();
      // In place, in a block that lies behind it; with rights that allow to look but not to write.
      await database.query(`UPDATE big SET at = now() - interval '60 days' WHERE id = 1`);
      await database.query(
        `GRANT USAGE ON SCHEMA maint TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA maint TO ${role}`,
      );
      expect(await run(some)).toMatchObject({ facts: { ending: 'max-rows', rows: 500 } });
      expect(await left(database), 'the blocks before it come last').toBe('1, 1000');
      expect(place.exec(await intent())?.[2], 'by its first cutoff').toBe(cutoff);

      // Damaged under its hands it is no hindrance: the sweep begins anew, and takes the first row first.
      await writeFile(join(folder.path, 'journal.sqlite'), 'this is no database'.repeat(500));
      expect(await run({ ...some, maxRows: 1 })).toMatchObject({ facts: { rows: 1 } });
      expect(await left(database)).not.toMatch(/^1, /);
      await run({ ...some, rules: [{ ...RULE, olderThan: '31 days' }], maxRows: 100 });
      expect(await intent(), 'another rule is another sweep').not.toMatch(place);
      await run(some);
      expect(await intent()).toMatch(place);
      await database.query('VACUUM FULL big');
      expect(await intent(), 'its rows are in other blocks now').not.toMatch(place);

      expect(await run({ rules: [RULE], pace: 'full', vacuum: false })).toMatchObject({ facts: { remaining: 0 } });
      expect(await left(database)).toBe('none');
      using journal = openJournal(folder.path, new Date());
      expect(journal.shelf('memory').all()).toEqual([]);
    }
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});

describe('two at once', () => {
  test('never prune one database, whoever they are', async ({ database, session }) => {
    await makeBig(database);
    await using lease = await takeLease({
      database: session,
      name: 'prune',
      holder: 'elsewhere:another',
      run: '00000000-0000-4000-8000-000000000000',
      onLost: () => undefined,
    });
    const [refused] = await runTask(prune, { rules: [RULE] }, { database: session });
    expect(refused).toMatchObject({ status: 'warn', detail: 'prune.elsewhere' });
    expect(refused?.summary).toContain('elsewhere:another');
    expect(await left(database)).toBe('2, 1999');
    await lease?.[Symbol.asyncDispose]();
    const [done] = await runTask(prune, { rules: [RULE], pace: 'full' }, { database: session });
    expect(done).toMatchObject({ status: 'done', facts: { rows: 1999 } });
  });
});
