import { describe, expect } from 'vitest';
import { clusterUrl } from '../support/database.ts';
import { digestOf, putMix } from '../support/hotmesh-data.ts';
import { makeHotmesh } from '../support/hotmesh.ts';
import { test } from '../support/site.ts';

const RULE = { name: 'visits', table: 'visits', age: 'at', olderThan: '30 days' };

describe('maint prune', () => {
  test('deletes by the rules of the configuration, at the pace of the command line', async ({ site }) => {
    await site.database.query(
      `CREATE TABLE visits AS SELECT g AS id, now() - g * interval '1 day' + interval '1 hour' AS at
         FROM generate_series(1, 50) g`,
    );
    site.configure({ tasks: { prune: { rules: [RULE, { ...RULE, name: 'none', table: 'nowhere' }] } } });

    const dry = await site.run('prune', '--dry-run');
    expect(dry.stdout).toContain('20 of 50 rows (40 %)');
    expect(dry.stdout).toContain('refused: there is no table nowhere');
    expect(await site.database.query('SELECT FROM visits')).toHaveLength(50);

    const first = await site.run('prune', '--rule', 'visits', '--pace', 'full', '--max-rows', '5', '--max-time', '1h');
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    expect(await site.database.query('SELECT FROM visits')).toHaveLength(30);

    const all = await site.run('prune', '--json');
    expect(all.exitCode).toBe(1);
    expect(JSON.parse(all.stdout)).toMatchObject({
      tasks: [
        {
          task: 'prune',
          steps: [{ verdict: 'done' }, { verdict: 'fail', detail: 'prune.table' }, { verdict: 'skip' }],
        },
      ],
    });
  });

  test('remembers on this host how far it came where the role may keep nothing in the database', async ({ site }) => {
    const { database } = site;
    const { name } = database;
    await database.query(
      `CREATE TABLE big (at timestamptz, filler text) WITH (fillfactor = 10);
       INSERT INTO big SELECT now() - interval '60 days', repeat('x', 500) FROM generate_series(1, 2000); ANALYZE big;
       CREATE ROLE ${name} LOGIN; GRANT SELECT, DELETE, UPDATE ON big TO ${name}`,
    );
    const rule = { ...RULE, name: 'big', table: 'big', maxShare: 1, keepAtLeast: 0 };
    site.configure({ database: { url: clusterUrl(name, name) }, tasks: { prune: { rules: [rule] } } });
    await site.run('prune', '--max-rows', '500', '--pace', 'full');
    expect((await site.run('prune', '--dry-run')).stdout).toContain('goes on at block');
    expect((await site.run('prune', '--dry-run', '--fresh')).stdout).not.toContain('goes on at block');
    await database.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
  });

  test('knows no pace and no rule that nobody wrote', async ({ site }) => {
    site.configure({ tasks: { prune: { rules: [RULE] } } });
    for (const flags of [
      ['--pace', 'frantic'],
      ['--rule', 'visit'],
      ['--max-time', 'long'],
      ['--max-rows', '0'],
      ['--window', '25:00-03:00'],
    ])
      expect((await site.run('prune', ...flags)).exitCode, flags.join(' ')).toBe(2);
  });

  test('does the maintenance of HotMesh, shown first, and the second time finds nothing', async ({ site }) => {
    await makeHotmesh(site.database, 'durable', 'new');
    await putMix(site.database, 'durable', 'new', 200);
    const before = await digestOf(site.database, 'durable', 'new');
    site.configure({ tasks: { prune: { hotmesh: {} } } });
    const dry = await site.run('prune', '--dry-run');
    expect(dry.stdout.replaceAll(/\s+/g, ' ')).toContain(
      'prune each job of durable with an entity and older than 7 days',
    );
    expect(await digestOf(site.database, 'durable', 'new')).toEqual(before);

    const first = await site.run('prune', '--pace', 'full');
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    const after = await digestOf(site.database, 'durable', 'new');
    expect(after).not.toEqual(before);
    const again = await site.run('prune', '--rule', 'hotmesh-entity-jobs');
    expect(again.stdout.replaceAll(/\s+/g, ' ')).toContain('no job of durable with an entity and older than 7 days');
    expect(await digestOf(site.database, 'durable', 'new')).toEqual(after);

    site.configure({
      tasks: {
        prune: { hotmesh: { maintenance: { rules: [{ target: 'jobs', action: 'prune', olderThan: '7 days' }] } } },
      },
    });
    const wrong = await site.run('prune');
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('only jobs with an entity are pruned: write hasEntity: true');
  });
});
