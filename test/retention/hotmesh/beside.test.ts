import { describe, expect } from 'vitest';
import { prune } from '../../../src/tasks/prune.ts';
import { openApp } from '../../support/client.ts';
import { test } from '../../support/database.ts';
import { digestOf, halfStripped, putMix } from '../../support/hotmesh-data.ts';
import { makeHotmesh, putJobs, type Job } from '../../support/hotmesh.ts';
import { pruneInChild, waitUntilAlone } from '../../support/prune-child.ts';
import { runTask } from '../../support/run-task.ts';

const FULL = { hotmesh: {}, pace: 'full', vacuum: false };

const JOB: Job = {
  key: '',
  entity: 'book',
  status: 0,
  endedAge: 9,
  expiredAge: -20,
  prunedAge: null,
  isLive: true,
  attributes: { jdata: 1, jmark: 1, adata: 3, other: 1 },
};

describe('beside a HotMesh that works', () => {
  test(
    'jobs that end while batches run are pruned whole or not at all',
    { timeout: 120_000 },
    async ({ database, session }) => {
      await makeHotmesh(database, 'app', 'new');
      // The writer ends all running jobs but the last, when it is given the time.
      const jobs = Array.from({ length: 6_001 }, (_, n) => ({
        ...JOB,
        key: `hmsh:app:j:${n}`,
        status: n % 3 === 0 ? 2 : 0,
      }));
      await putJobs(database, 'app', 'new', jobs);
      await using writer = await openApp(database.url, 'hotmesh');
      // As if the job had ended nine days ago: it becomes one of those that are due right beside the batches.
      await writer.query('SET session_replication_role = replica');
      const over = new AbortController();
      const writing = (async () => {
        for (let n = 0; !over.signal.aborted; n = (n + 51) % 6_000)
          await writer.query(`
          WITH ended AS (UPDATE app.jobs SET status = 0 WHERE status > 0 AND key IN
                           ('hmsh:app:j:${n}', 'hmsh:app:j:${(n + 3_000) % 6_000}', 'hmsh:app:j:${(n + 1_500) % 6_000}') RETURNING id)
          INSERT INTO app.jobs_attributes (job_id, symbol, dimension, type, value)
          SELECT id, 'zzz', ',0,0', 'adata', 'late' FROM ended`);
      })();
      const [, , outcome] = await runTask(prune, FULL, { database: session });
      over.abort();
      await writing;
      expect(Number(outcome?.facts?.['rows'])).toBeGreaterThan(4_000);
      expect(await halfStripped(database, 'app')).toBe(0);
      await runTask(prune, FULL, { database: session });
      expect(await halfStripped(database, 'app')).toBe(0);
      const left = await database.query(
        `SELECT DISTINCT status, pruned_at IS NULL AS whole FROM app.jobs ORDER BY 1, 2`,
      );
      expect(left).toEqual([
        { status: 0, whole: false },
        { status: 2, whole: true },
      ]);
    },
  );

  test('a reader that stays in its transaction neither waits nor makes anyone wait', async ({ database, session }) => {
    await makeHotmesh(database, 'app', 'new');
    await putMix(database, 'app', 'new', 400);
    await using reader = await openApp(database.url, 'report');
    await reader.query('BEGIN; SELECT count(*) FROM app.jobs; SELECT count(*) FROM app.engine_streams');
    const outcomes = await runTask(prune, FULL, { database: session });
    expect(outcomes.map(({ facts }) => facts?.['lockTimeouts'])).toEqual([0, 0, 0, 0]);
    expect(outcomes.map(({ facts }) => facts?.['remaining'])).toEqual([0, 0, 0, 0]);
    await reader.query(`SET LOCAL statement_timeout = '2s'; SELECT count(*) FROM app.jobs_attributes`);
  });

  test('a job that someone holds is left whole, the rest goes, and the next run takes it', async ({
    database,
    session,
  }) => {
    await makeHotmesh(database, 'app', 'new');
    await putJobs(
      database,
      'app',
      'new',
      ['a', 'b', 'c'].map((name) => ({ ...JOB, key: `hmsh:app:j:${name}` })),
    );
    const settings = { ...FULL, rule: 'hotmesh-entity-jobs', lockTimeout: '200ms' };
    {
      await using holder = await openApp(database.url, 'holder');
      await holder.query(`BEGIN; SELECT FROM app.jobs WHERE key LIKE '%b' FOR KEY SHARE`);
      const [outcome] = await runTask(prune, settings, { database: session });
      expect(outcome).toMatchObject({ status: 'warn', facts: { rows: 2, remaining: 1, lockedSkipped: 1 } });
      expect(await halfStripped(database, 'app')).toBe(0);
    }
    const [again] = await runTask(prune, settings, { database: session });
    expect(again).toMatchObject({ status: 'done', facts: { rows: 1, remaining: 0 } });
  });

  test.for(['new', 'old'] as const)(
    'killed between or within batches over the %s layout, the next run ends where a clean one does',
    { timeout: 120_000 },
    async (layout, { database, session }) => {
      for (const schema of ['clean', 'killed']) {
        await makeHotmesh(database, schema, layout);
        await putMix(database, schema, layout, 1_500);
      }
      const rulesFor = (schema: string): object => ({ hotmesh: { apps: [{ schema }] }, pace: 'full' });
      await runTask(prune, rulesFor('clean'), { database: session });
      let killed = 0;
      for (const batches of [1, 8])
        if (!(await pruneInChild(database.url, rulesFor('killed'), { batches }))) killed += 1;
      await waitUntilAlone(database);
      expect(killed).toBeGreaterThan(0);
      if (layout === 'new') expect(await halfStripped(database, 'killed')).toBe(0);
      expect(await digestOf(database, 'killed', layout)).not.toEqual(await digestOf(database, 'clean', layout));
      expect(await pruneInChild(database.url, rulesFor('killed'))).toBe(true);
      expect(await digestOf(database, 'killed', layout)).toEqual(await digestOf(database, 'clean', layout));
    },
  );
});
