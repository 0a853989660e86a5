import { describe, expect } from 'vitest';
import { prune } from '../../../src/tasks/prune.ts';
import { test } from '../../support/database.ts';
import { digestOf, putMix } from '../../support/hotmesh-data.ts';
import { makeHotmesh, putJobs, type Job } from '../../support/hotmesh.ts';
import { planTask, runTask } from '../../support/run-task.ts';

const JOB: Job = {
  key: '',
  entity: null,
  status: 0,
  endedAge: 100,
  expiredAge: 100,
  prunedAge: null,
  isLive: true,
  attributes: { adata: 1, jdata: 1 },
};

describe('a dry run of the rules of HotMesh', () => {
  test('shows age, counts, keys and every statement, and changes nothing', async ({ database, reader }) => {
    await makeHotmesh(database, 'app', 'new');
    await putMix(database, 'app', 'new', 200);
    const before = await digestOf(database, 'app', 'new');
    const steps = await planTask(prune, { hotmesh: {} }, { database: reader });
    const [streams = '', transient = '', entity = '', pruned = ''] = steps.map(({ intent }) => intent?.join('\n'));
    expect(streams).toMatch(/^delete each message of app finished more than 7 days ago: expired_at before 20\d\d-/);
    expect(streams).toMatch(/\n\d+ of 400 rows \(\d+ %\), from 20\S+ to 20\S+\nsuch as \{"stream_name":"/);
    expect(streams).toContain('ranges of the age column, by its index');
    expect(transient).toContain('rows of app.jobs_attributes that refer to them go too');
    expect(transient).toContain('DELETE FROM ONLY "app"."jobs_part_');
    expect(transient).toContain('entity IS NULL AND status <= 0');
    expect(entity).toContain('updated_at before 20');
    expect(entity).toContain('such as {"key":"hmsh:app:j:job');
    expect(entity).toContain('of each job jdata, udata, jmark and hmark stay; adata, other and status go');
    expect(entity).toMatch(/\d+ others were interrupted, which no rule of HotMesh covers/);
    expect(entity).toMatch(/SELECT id::text AS id FROM ONLY "app"\."jobs_part_\d" WHERE .* FOR UPDATE -- \$1 = /);
    expect(entity).toMatch(/DELETE FROM "app"\."jobs_attributes_part_\d" WHERE job_id = ANY\(\$1::uuid\[\]\)/);
    expect(entity).toContain('UPDATE ONLY "app"."jobs_part_');
    expect(pruned).toContain('pruned_at before 20');
    expect(await digestOf(database, 'app', 'new')).toEqual(before);
  });

  test('counts what a real run then does, rule by rule', async ({ database, session }) => {
    await makeHotmesh(database, 'app', 'new');
    await putMix(database, 'app', 'new', 300);
    const steps = await planTask(prune, { hotmesh: {}, vacuum: false }, { database: session });
    const told = steps.map(({ intent }) => Number(/^([\d,]+) of/m.exec(intent?.join('\n') ?? '')?.[1]));
    const outcomes = await runTask(prune, { hotmesh: {}, pace: 'full', vacuum: false }, { database: session });
    expect(told.every((rows) => rows > 0)).toBe(true);
    expect(outcomes.map(({ facts }) => facts?.['rows'])).toEqual(told);
  });

  test('leaves out of a later rule what an earlier one will have taken', async ({ database, session }) => {
    await makeHotmesh(database, 'app', 'new');
    await putJobs(database, 'app', 'new', [
      { ...JOB, key: 'hmsh:app:j:both', prunedAge: 100 },
      { ...JOB, key: 'hmsh:app:j:pruned', entity: 'book', prunedAge: 100 },
    ]);
    const steps = await planTask(prune, { hotmesh: {} }, { database: session });
    const [, transient, , pruned] = steps.map(({ intent }) => intent?.join('\n'));
    expect(transient).toContain('1 of 2 rows');
    expect(pruned).toContain('1 of 2 rows');
    expect(pruned).toContain('1 more go by hotmesh-transient-jobs before');
    expect(pruned).toContain('{"key":"hmsh:app:j:pruned"');
    expect(pruned).not.toContain('{"key":"hmsh:app:j:both"');
  });
});
