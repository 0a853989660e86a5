import { tmpdir } from 'node:os';
import { expect, inject } from 'vitest';
import { startCluster } from '../../src/adapters/cluster.ts';
import { queryOnce } from '../support/database.ts';
import { test } from '../support/site.ts';

test('PostgreSQL 18 is looked after like any other: health, lease, slot', async ({ site }) => {
  await using cluster = await startCluster({
    binDirectory: inject('embeddedBinDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
  });
  const url = cluster.url('postgres');
  site.env['DATABASE_URL'] = url;
  const first = await site.run('daily', '--cron', '--skip', 'backup', '--json');
  expect(first.exitCode, first.stdout + first.stderr).toBe(0);
  expect(first.stdout).toContain('PostgreSQL 18');
  expect(JSON.parse(first.stdout)).toMatchObject({ verdict: 'done' });
  expect(await queryOnce(url, `SELECT name, finished_at IS NOT NULL AS finished FROM maint.slot`)).toEqual([
    { name: 'app/daily', finished: true },
  ]);
  const elsewhere = await site.run('daily', '--cron', '--skip', 'backup', '--state', `${site.folder}/other-host`);
  expect(elsewhere, 'the slot is done').toMatchObject({ exitCode: 0, stdout: '' });
  expect((await site.run('doctor')).stdout).toContain('postgresql-client-18');
});
