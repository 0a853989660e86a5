import { copyFile, rm, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { test, type Vault } from '../support/backups.ts';
import { changeDump, mendAll } from '../support/tampering.ts';

const DUMP = 'data.dump.zst';

async function newest(vault: Vault): Promise<string> {
  return (await vault.backups()).at(-1) ?? '';
}

const ROWS = `CREATE TABLE users AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 50000) AS n`;

test('a dump of another database is found, even where manifest and checksums were mended', async ({
  database,
  vault,
}) => {
  await database.query(ROWS);
  await vault.take();
  const folder = await newest(vault);
  await database.query('DELETE FROM users; CREATE TABLE more (id int)');
  await vault.take({}, { project: 'other' });
  await vault.take();
  // Two backups of the same second are told apart by a random part, so their names say nothing about their order.
  const empty = (await vault.backups()).find((path) => path !== folder) ?? '';
  await copyFile(join(empty, DUMP), join(folder, DUMP));
  await rm(empty, { recursive: true });
  expect(await vault.verify()).toMatchObject({ status: 'fail', detail: 'verify.checksum_mismatch' });
  await mendAll(folder);
  expect(await vault.verify()).toMatchObject({
    status: 'fail',
    detail: 'verify.rows_mismatch',
    summary: expect.stringMatching(/public\.more is not expected; public\.users has 0 rows, expected 50,000/),
  });
});

test('a dump that zstd can read but pg_restore cannot is found, with mended checksums too', async ({
  database,
  vault,
}) => {
  await database.query(ROWS);
  await vault.take();
  const folder = await newest(vault);
  const { zstdCompressSync, zstdDecompressSync } = await import('node:zlib');
  await changeDump(folder, (bytes) => {
    const raw = zstdDecompressSync(bytes);
    return zstdCompressSync(raw.subarray(0, raw.length / 2));
  });
  await mendAll(folder);
  expect(await vault.verify()).toMatchObject({
    status: 'fail',
    detail: 'verify.undecodable',
    summary: expect.stringMatching(/pg_restore/),
  });
});

test('a backup that is too old is stale, and only then', async ({ database, vault }) => {
  await database.query(ROWS);
  await vault.take();
  const in27h = { now: () => new Date(Date.now() + 27 * 3_600_000) };
  expect(await vault.verify({ maxAge: '26h' })).toMatchObject({ status: 'done' });
  expect(await vault.verify({ maxAge: '26h' }, in27h)).toMatchObject({ status: 'fail', detail: 'backup.stale' });
  expect(await vault.verify({}, in27h)).toMatchObject({ status: 'done' });
});

test('no backup at all is a finding; no directory is something that could not be found out', async ({ vault }) => {
  expect(await vault.verify()).toMatchObject({ status: 'fail', detail: 'backup.none' });
  expect(await vault.verify({ which: 'all' })).toMatchObject({ status: 'fail', detail: 'backup.none' });
  for (const which of ['latest', 'all'])
    await expect(vault.verify({ which, directory: join(vault.directory, 'nope') })).rejects.toMatchObject({
      code: 'FILE_UNUSABLE',
    });
});

test('no pg_restore is something that could not be found out, and no verdict on the backup', async ({
  database,
  vault,
}) => {
  await database.query(ROWS);
  await vault.take();
  const clients = {
    ...clientPrograms([], process.env['PATH'], {}),
    find: () => clientPrograms([], '/nonexistent', {}).find('pg_dumpall', 99),
  };
  await expect(vault.verify({}, { clients })).rejects.toMatchObject({
    code: expect.stringMatching(/PROGRAM_(MISSING|TOO_OLD)/),
  });
});

test('all of them means each of them, and one bad one is told from the good ones', async ({ database, vault }) => {
  await database.query(ROWS);
  for (let count = 0; count < 3; count += 1)
    await vault.take({}, { now: () => new Date(Date.now() - (9 - count) * 60_000) });
  const [, second = ''] = await vault.backups();
  await truncate(join(second, DUMP), 1_000);
  const outcomes = await vault.verifyAll();
  expect(outcomes.map(({ title, status }) => [title, status])).toEqual(
    (await vault.backups()).toReversed().map((path) => [`backup ${basename(path)}`, path === second ? 'fail' : 'done']),
  );
});
