import { setTimeout } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { ident } from '../../src/adapters/sql.ts';
import { takePartition } from '../../src/retention/leave.ts';
import { prune } from '../../src/tasks/prune.ts';
import { openApp } from '../support/client.ts';
import { test, type TestDatabase } from '../support/database.ts';
import { pruneInChild, waitUntilAlone } from '../support/prune-child.ts';
import { performSteps, planTask, runTask } from '../support/run-task.ts';

const RULE = { name: 'logs', table: 'logs', age: 'at', olderThan: '30 days', maxShare: 1, partitions: 'drop' };

/** Ten partitions of ten days each, the last of them to come; a row a day, of which 60 are older than 30 days. */
async function makeLogs(database: TestDatabase, isDefault = false): Promise<void> {
  await database.query('CREATE TABLE logs (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at)');
  await database.query(
    `DO $$ BEGIN FOR n IN 0..9 LOOP
       EXECUTE format('CREATE TABLE logs_%s PARTITION OF logs FOR VALUES FROM (%L) TO (%L)', n,
                      date_trunc('day', now()) - interval '95 days' + n * interval '10 days',
                      date_trunc('day', now()) - interval '85 days' + n * interval '10 days');
     END LOOP; END $$`,
  );
  if (isDefault) await database.query('CREATE TABLE logs_other PARTITION OF logs DEFAULT');
  await database.query(
    `INSERT INTO logs SELECT g, now() - g * interval '1 day' + interval '1 hour' FROM generate_series(1, 90) g`,
  );
  await database.query('CREATE INDEX ON logs (at)');
}

/** Partitions that are there, and tables that are none any more. */
async function tablesOf(database: TestDatabase): Promise<{ readonly attached: string; readonly apart: string }> {
  const [row] = await database.query<{ attached: string; apart: string }>(
    `SELECT coalesce(string_agg(relname, ' ' ORDER BY relname) FILTER (WHERE relispartition), '') AS attached,
            coalesce(string_agg(relname, ' ' ORDER BY relname) FILTER (WHERE NOT relispartition), '') AS apart
       FROM pg_class WHERE relname ~ '^logs_' AND relkind = 'r'`,
  );
  return row ?? { attached: '', apart: '' };
}

async function ids(database: TestDatabase): Promise<string> {
  const [row] = await database.query<{ ids: string }>(`SELECT count(*) || ' to ' || max(id) AS ids FROM logs`);
  return row?.ids ?? '';
}

const LEFT = { attached: 'logs_6 logs_7 logs_8 logs_9', apart: '' };

describe('partitions that are old as a whole', () => {
  test('are dropped, and the one that the cutoff divides loses rows', async ({ database, session, reader }) => {
    await makeLogs(database);
    const [offered] = await planTask(prune, { rules: [{ ...RULE, partitions: 'rows' }] }, { database: reader });
    expect(offered?.intent?.join('\n')).toContain('6 partitions would go at once with `partitions: drop`');
    const [step] = await planTask(prune, { rules: [RULE] }, { database: reader });
    const intent = step?.intent?.join('\n') ?? '';
    expect(intent).toContain('drop 6 partitions whole: public.logs_0 to public.logs_5');
    expect(intent).toContain('DETACH PARTITION public.logs_0 CONCURRENTLY; DROP TABLE public.logs_0');
    expect(intent).toMatch(/DELETE FROM ONLY "public"."logs_6"/);
    const second = { ...RULE, name: 'second', olderThan: '27 days', partitions: 'detach' };
    const third = { ...RULE, name: 'third', olderThan: '26 days', partitions: 'rows' };
    const settings = { rules: [RULE, second, third], pace: 'full' };
    const [outcome, ...later] = await runTask(prune, settings, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 60, remaining: 0, batches: 1 } });
    expect(later).toMatchObject([{ status: 'done', facts: { rows: 3 } }, { status: 'done', facts: { rows: 1 } }, {}]);
    expect(outcome?.summary).toContain('60 rows of logs older than 30 days deleted, 6 partitions of them whole');
    expect(await tablesOf(database)).toEqual(LEFT);
    expect(await ids(database)).toBe('26 to 26');
    const [again] = await runTask(prune, { rules: [RULE], pace: 'full' }, { database: session });
    expect(again).toMatchObject({ status: 'done', summary: 'no row of logs older than 30 days' });
  });

  test('leave in one transaction where there is a default one; its rows go one by one', async ({
    database,
    session,
  }) => {
    await makeLogs(database, true);
    await database.query(`INSERT INTO logs SELECT 100 + g, now() - interval '200 days' FROM generate_series(1, 5) g`);
    const [outcome] = await runTask(prune, { rules: [RULE], pace: 'full' }, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 65, remaining: 0 } });
    expect(await tablesOf(database)).toEqual({ ...LEFT, attached: `${LEFT.attached} logs_other` });
  });

  test('are kept apart where they are only to be detached, with the comments they had', async ({
    database,
    session,
  }) => {
    await makeLogs(database);
    await database.query(`COMMENT ON TABLE logs_2 IS 'from the old system'`);
    const rules = [{ ...RULE, partitions: 'detach' }];
    const [outcome] = await runTask(prune, { rules, pace: 'full' }, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 60, remaining: 0 } });
    expect(await tablesOf(database)).toEqual({ ...LEFT, apart: 'logs_0 logs_1 logs_2 logs_3 logs_4 logs_5' });
    const comments = await database.query(`SELECT description FROM pg_description WHERE objoid IN (
      SELECT oid FROM pg_class WHERE relname ~ '^logs_')`);
    expect(comments).toEqual([{ description: 'from the old system' }]);
  });

  test('stay where another table refers to them, and lose their rows', async ({ database, session }) => {
    await makeLogs(database);
    await database.query(`ALTER TABLE logs ADD PRIMARY KEY (id, at);
      CREATE TABLE notes (id int, at timestamptz, FOREIGN KEY (id, at) REFERENCES logs ON DELETE CASCADE);
      CREATE INDEX ON notes (id, at); INSERT INTO notes SELECT id, at FROM logs WHERE id > 80`);
    const steps = await planTask(prune, { rules: [RULE], pace: 'full' }, { database: session });
    expect(steps[0]?.intent?.join('\n')).toContain('partitions stay and lose their rows: notes refers to them');
    expect(await performSteps(steps, { database: session })).toMatchObject([{ facts: { rows: 60, remaining: 0 } }, {}]);
    expect((await tablesOf(database)).attached).toContain('logs_0');
  });

  test('cannot be chosen between', () => {
    for (const choice of [{ where: 'id > 3' }, { keepLast: { per: ['id'], count: 3 } }])
      expect(prune.settings.safeParse({ rules: [{ ...RULE, ...choice }] }).error?.message).toContain(
        'a partition goes whole',
      );
  });
});

describe('a partition that did not get away', () => {
  test(
    'leaves half while a reader stays, makes nobody else wait, and is dropped by the next run',
    { timeout: 60_000 },
    async ({ database, session }) => {
      await makeLogs(database);
      await using reader = await openApp(database.url, 'reader');
      await using user = await openApp(database.url, 'user');
      await reader.query('BEGIN; SELECT count(*) FROM logs');
      const settings = { rules: [RULE], pace: 'full', lockTimeout: '200ms' };
      const run = runTask(prune, settings, { database: session });
      await user.query(`SET statement_timeout = '5s'`);
      for (let turn = 0; turn < 10; turn += 1) {
        await user.query(
          `INSERT INTO logs VALUES (1000, now()); SELECT count(*) FROM logs; DELETE FROM logs WHERE id = 1000`,
        );
        await setTimeout(100);
      }
      const [outcome] = await run;
      expect(outcome).toMatchObject({ status: 'warn', facts: { ending: 'locked' } });
      const leaving = 'SELECT FROM pg_inherits WHERE inhdetachpending';
      expect(await database.query(leaving)).toHaveLength(1);
      await reader.query('COMMIT');
      expect(await runTask(prune, settings, { database: session })).toMatchObject([{ status: 'done' }, {}]);
      expect(await tablesOf(database)).toEqual(LEFT);
      expect(await ids(database)).toBe('30 to 30');
    },
  );

  test('because the run was killed, is finished by the next', { timeout: 60_000 }, async ({ database, session }) => {
    await makeLogs(database);
    await database.query(`CREATE TABLE first AS SELECT id, at FROM logs`);
    await using reader = await openApp(database.url, 'reader');
    await reader.query('BEGIN; SELECT count(*) FROM logs');
    const rules = [{ ...RULE, name: 'first', table: 'first', partitions: 'rows' }, RULE];
    const settings = { rules, pace: 'full', lockTimeout: '20s' };
    expect(await pruneInChild(database.url, settings, { batches: 1, ms: 1_000 })).toBe(false);
    await reader.query('COMMIT');
    await waitUntilAlone(database);
    await runTask(prune, settings, { database: session });
    expect(await tablesOf(database)).toEqual(LEFT);
    expect(await ids(database)).toBe('30 to 30');
  });

  test.for([true, false])(
    'is never another of the same name (concurrent: %s)',
    async (isConcurrent, { database, session }) => {
      await makeLogs(database);
      const steps = await planTask(prune, { rules: [RULE] }, { database: session });
      const [old] = await database.query<{ oid: string }>(`SELECT 'logs_0'::regclass::oid::text AS oid`);
      // Partitions that take turns: the name now means one that is young.
      await database.query('ALTER TABLE logs_0 RENAME TO logs_was; ALTER TABLE logs_8 RENAME TO logs_0');
      await expect(performSteps(steps.slice(0, 1), { database: session })).rejects.toMatchObject({
        detail: 'prune.replaced',
      });
      const leaving = takePartition({
        database: session,
        partitions: { mode: 'drop', mark: 'maint: test' },
        partition: {
          oid: old?.oid ?? '',
          name: 'public.logs_0',
          table: ident('public', 'logs_0'),
          parent: ident('public', 'logs'),
          leaves: [],
          state: 'attached',
          isConcurrent,
        },
        lockTimeoutMs: 1_000,
        signal: new AbortController().signal,
      });
      await expect(leaving).rejects.toMatchObject({ detail: 'prune.replaced' });
      expect(await ids(database)).toBe('90 to 90');
    },
  );

  test('is known by its mark: others stay, and so does what is not old', async ({ database, session }) => {
    await makeLogs(database);
    await database.query('ALTER TABLE logs DETACH PARTITION logs_0; ALTER TABLE logs DETACH PARTITION logs_1');
    const [root] = await database.query<{ oid: string }>(`SELECT 'logs'::regclass::oid::text AS oid`);
    const mark = `maint: leaves by the rule logs of table ${root?.oid}\n`;
    await database.query(`COMMENT ON TABLE logs_1 IS '${mark}'; COMMENT ON TABLE logs_8 IS '${mark}mine'`);
    await database.query('INSERT INTO logs_1 VALUES (7, now())');
    const [refused] = await runTask(prune, { rules: [RULE] }, { database: session });
    expect(refused).toMatchObject({ status: 'fail', detail: 'prune.partition' });
    expect(await tablesOf(database)).toMatchObject({ apart: 'logs_0 logs_1' });
    await database.query('DELETE FROM logs_1 WHERE id = 7');
    expect(await runTask(prune, { rules: [RULE] }, { database: session })).toMatchObject([{ status: 'done' }, {}]);
    expect(await tablesOf(database)).toEqual({ ...LEFT, apart: 'logs_0' });
    const comment = await database.query(`SELECT obj_description('logs_8'::regclass) AS comment`);
    expect(comment).toEqual([{ comment: 'mine' }]);
  });
});
