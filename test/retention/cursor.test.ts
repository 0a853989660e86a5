import { describe, expect } from 'vitest';
import { takeLease } from '../../src/engine/lease.ts';
import { prune } from '../../src/tasks/prune.ts';
import { test, type TestDatabase } from '../support/database.ts';
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

    const [done] = await runTask(prune, { rules: [RULE], pace: 'full' }, { database: session });
    expect(done).toMatchObject({ status: 'done', facts: { remaining: 0 } });
    expect(await left(database)).toBe('none');
    expect(await database.query(cursor)).toEqual([]);
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
