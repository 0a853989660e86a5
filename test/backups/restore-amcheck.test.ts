import { chmod, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test as base } from 'vitest';
import { z } from 'zod';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { isFile } from '../../src/adapters/directories.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { libpqEnvironment, parseConnection } from '../../src/adapters/connection.ts';
import { amcheck } from '../../src/backups/restore-amcheck.ts';
import { Secret } from '../../src/base/secret.ts';
import { queryOnce } from '../support/database.ts';

/** The programs from npm bring no pg_amcheck. */
const SERVERS = await findServerPrograms(process.env['PATH']);
const BIN = SERVERS.map(({ binDirectory }) => binDirectory).find((directory) => isFile(join(directory, 'pg_amcheck')));

const test = base.extend<{ cluster: Cluster; folder: string }>({
  cluster: async ({ task }, use) => {
    await using cluster = await startCluster({
      binDirectory: BIN ?? inject('embeddedBinDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
    });
    expect(task.name).not.toBe('');
    await use(cluster);
  },
  folder: async ({ task }, use) => {
    const folder = await mkdtemp(join(tmpdir(), `maint-${task.id}-`));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

function look(program: string, url: string): ReturnType<typeof amcheck> {
  return amcheck(program, libpqEnvironment(parseConnection(new Secret(url))), new AbortController().signal);
}

/** A pg_amcheck that says this and ends so. */
async function saying(folder: string, text: string, exitCode: number): Promise<string> {
  const path = join(folder, 'pg_amcheck');
  await writeFile(path, `#!/bin/sh\necho '${text}' >&2\nexit ${exitCode}\n`);
  await chmod(path, 0o755);
  return path;
}

test.skipIf(BIN === undefined)('an index whose pages are gone is a finding that names it', async ({ cluster }) => {
  const url = cluster.url('postgres');
  const program = join(BIN ?? '', 'pg_amcheck');
  await queryOnce(url, 'CREATE TABLE numbers (n int PRIMARY KEY)');
  await queryOnce(url, 'INSERT INTO numbers SELECT generate_series(1, 1000)');
  await queryOnce(url, 'CHECKPOINT');
  expect(await look(program, url)).toEqual([]);
  const [found] = await queryOnce(
    url,
    `SELECT pg_relation_filepath('numbers_pkey') AS path, current_setting('data_directory') AS data`,
  );
  const { path, data } = z.object({ path: z.string(), data: z.string() }).parse(found);
  await cluster.stop();
  await truncate(join(data, path));
  await cluster.start();
  expect(await look(program, url)).toMatchObject([
    { detail: 'restore.amcheck', message: expect.stringContaining('numbers_pkey') },
  ]);
});

test('a server that was lost on the way is no judgement, although pg_amcheck counts it as one', async ({ folder }) => {
  const program = await saying(folder, 'server closed the connection unexpectedly', 2);
  await expect(look(program, 'postgres://a@/b?host=/nowhere')).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    detail: 'restore.server_lost',
  });
});

test('a pg_amcheck that could not look is no judgement either', async ({ folder }) => {
  const program = await saying(folder, 'no relations to check', 1);
  await expect(look(program, 'postgres://a@/b?host=/nowhere')).rejects.toMatchObject({ code: 'RESTORE_INCONCLUSIVE' });
});
