import { describe, expect } from 'vitest';
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
      tasks: [{ task: 'prune', steps: [{ verdict: 'done' }, { verdict: 'fail', detail: 'prune.table' }] }],
    });
  });

  test('knows no pace and no rule that nobody wrote', async ({ site }) => {
    site.configure({ tasks: { prune: { rules: [RULE] } } });
    for (const flags of [
      ['--pace', 'frantic'],
      ['--rule', 'visit'],
      ['--max-time', 'long'],
      ['--max-rows', '0'],
    ])
      expect((await site.run('prune', ...flags)).exitCode, flags.join(' ')).toBe(2);
  });
});
