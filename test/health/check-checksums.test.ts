import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { startCluster } from '../../src/adapters/cluster.ts';
import { queryOnce } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';

async function checksums(url: string) {
  return (await runHealth(url, { settings: { disks: [] } }))['checksums'];
}

test('a page that rotted on the disk fails once the server has read it, until it is repaired', async () => {
  // Version 18 switches checksums on by itself.
  await using cluster = await startCluster({
    binDirectory: inject('embeddedBinDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
  });
  const url = cluster.url('postgres');
  await queryOnce(url, 'CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 1000) AS g');
  await queryOnce(url, 'CHECKPOINT');
  const [row] = await queryOnce<{ path: string }>(url, `SELECT pg_relation_filepath('orders') AS path`);
  expect(await checksums(url)).toMatchObject({ verdict: 'done', summary: 'no damaged page was read' });

  await cluster.stop();
  await using file = await open(join(cluster.directory, 'data', row?.path ?? ''), 'r+');
  await file.write(Buffer.from('rot'), 0, 3, 4_000);
  await cluster.start();
  await expect(queryOnce(url, 'SELECT count(*) FROM orders')).rejects.toThrow(/invalid page/);
  const found = await checksums(url);
  expect(found).toMatchObject({
    verdict: 'fail',
    summary: expect.stringMatching(/^1 damaged page read: postgres \(last at \d{4}-\d\d-\d\dT[\d:]+Z\)$/),
    remediation: expect.arrayContaining([expect.stringContaining('maint verify-backup --all')]),
  });

  await queryOnce(url, 'DROP TABLE orders');
  await queryOnce(url, 'SELECT pg_stat_reset()');
  expect((await checksums(url))?.verdict).toBe('done');
});

test('a server without checksums is skipped, for it cannot know', async () => {
  await using cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
  });
  expect(await checksums(cluster.url('postgres'))).toMatchObject({
    verdict: 'skip',
    summary: expect.stringContaining('switched off'),
  });
});
