import { createHash } from 'node:crypto';
import { appendFile, copyFile, cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { test, type Vault } from '../support/backups.ts';
import { withoutZstd } from '../support/fake-program.ts';

const DUMP = 'data.dump.zst';

/** What can happen to a backup on its disk, and the name under which it must be found. */
const FAULTS: Readonly<Record<string, { detail: string; inflict(folder: string): Promise<void> }>> = {
  'the dump is cut to half': {
    detail: 'verify.truncated',
    inflict: (folder) => change(folder, (bytes) => bytes.subarray(0, bytes.length / 2)),
  },
  'the dump lost its last byte': {
    detail: 'verify.truncated',
    inflict: (folder) => change(folder, (bytes) => bytes.subarray(0, -1)),
  },
  'a bit flipped in the first bytes': { detail: 'verify.checksum_mismatch', inflict: (folder) => flip(folder, 0.001) },
  'a bit flipped in the middle': { detail: 'verify.checksum_mismatch', inflict: (folder) => flip(folder, 0.5) },
  'a bit flipped at the end': { detail: 'verify.checksum_mismatch', inflict: (folder) => flip(folder, 0.999) },
  'four kilobytes were zeroed': {
    detail: 'verify.checksum_mismatch',
    inflict: (folder) =>
      change(folder, (bytes) => bytes.fill(0, Math.floor(bytes.length / 3), Math.floor(bytes.length / 3) + 4_096)),
  },
  'something was appended to the dump': {
    detail: 'verify.checksum_mismatch',
    inflict: (folder) => appendFile(join(folder, DUMP), 'x'),
  },
  'the dump is gone': { detail: 'verify.missing_file', inflict: (folder) => rm(join(folder, DUMP)) },
  'the manifest is gone': { detail: 'verify.missing_file', inflict: (folder) => rm(join(folder, 'manifest.json')) },
  'the checksums are gone': { detail: 'verify.missing_file', inflict: (folder) => rm(join(folder, 'SHA256SUMS')) },
  'the notes are gone': { detail: 'verify.missing_file', inflict: (folder) => rm(join(folder, 'RESTORE.md')) },
  'a file was added': { detail: 'verify.extra_file', inflict: (folder) => writeFile(join(folder, 'virus.sh'), 'hi') },
  'the manifest was edited': {
    detail: 'verify.manifest_changed',
    inflict: (folder) => edit(folder, (text) => text.replace('"rows": 50000', '"rows": 49999')),
  },
  'the manifest was edited, and the checksums with it': {
    detail: 'verify.rows_mismatch',
    inflict: async (folder) => {
      await edit(folder, (text) => text.replace('"rows": 50000', '"rows": 49999'));
      await mendSums(folder);
    },
  },
  'the manifest is no JSON any more': {
    detail: 'verify.manifest_changed',
    inflict: (folder) => edit(folder, (text) => text.slice(0, 300)),
  },
  'the notes were edited': {
    detail: 'verify.notes_changed',
    inflict: (folder) => appendFile(join(folder, 'RESTORE.md'), 'rm -rf /\n'),
  },
  'it is dated in the future': {
    detail: 'verify.future_timestamp',
    inflict: async (folder) => {
      const id = basename(folder);
      const future = `2099${id.slice(4)}`;
      await edit(folder, (text) => text.replace(id, future));
      await mendSums(folder);
      await rename(folder, join(dirname(folder), future));
    },
  },
  'it belongs to another project': {
    detail: 'verify.wrong_label',
    inflict: async (folder) => {
      await edit(folder, (text) => text.replace('"label": "app"', '"label": "other"'));
      await mendSums(folder);
    },
  },
  'it is another backup under this name': {
    detail: 'verify.wrong_backup',
    inflict: async (folder) => {
      await edit(folder, (text) => text.replace(basename(folder), '20200101T000000Z-0000'));
      await mendSums(folder);
    },
  },
};

async function change(folder: string, how: (bytes: Buffer) => Buffer): Promise<void> {
  const path = join(folder, DUMP);
  await writeFile(path, how(await readFile(path)));
}

async function flip(folder: string, where: number): Promise<void> {
  await change(folder, (bytes) => {
    const at = Math.floor(bytes.length * where);
    bytes[at] = (bytes[at] ?? 0) ^ 0b100;
    return bytes;
  });
}

async function edit(folder: string, how: (text: string) => string): Promise<void> {
  const path = join(folder, 'manifest.json');
  const before = await readFile(path, 'utf8');
  const after = how(before);
  expect(after).not.toBe(before);
  await writeFile(path, after);
}

async function mendSums(folder: string): Promise<void> {
  const names = [DUMP, 'manifest.json', 'RESTORE.md'];
  const lines = names.map(async (name) => {
    const sum = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
    return `${sum}  ${name}\n`;
  });
  await writeFile(join(folder, 'SHA256SUMS'), (await Promise.all(lines)).join(''));
}

/** The manifest and the checksums say of the dump what it now is. */
async function mendManifest(folder: string): Promise<void> {
  const bytes = await readFile(join(folder, DUMP));
  const sum = createHash('sha256').update(bytes).digest('hex');
  await edit(folder, (text) =>
    text.replace(/"bytes": \d+/, `"bytes": ${bytes.length}`).replace(/"sha256": "\w+"/, `"sha256": "${sum}"`),
  );
  await mendSums(folder);
}

async function newest(vault: Vault): Promise<string> {
  return (await vault.backups()).at(-1) ?? '';
}

const ROWS = `CREATE TABLE users AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 50000) AS n`;

test('every fault is found, under its own name, with the zstd program and without it', async ({ database, vault }) => {
  await database.query(ROWS);
  await vault.take();
  const folder = await newest(vault);
  await cp(folder, join(vault.directory, 'good'), { recursive: true });
  for (const [fault, { detail, ...how }] of Object.entries(FAULTS)) {
    await rm(join(vault.directory, 'app'), { recursive: true });
    await cp(join(vault.directory, 'good'), folder, { recursive: true });
    expect(await vault.verify(), `before: ${fault}`).toMatchObject({ status: 'done' });
    await how.inflict(folder);
    for (const around of [{}, { clients: withoutZstd() }]) {
      const outcome = await vault.verify({}, around);
      expect(outcome, fault).toMatchObject({ status: 'fail', detail });
      expect(outcome.remediation?.length, fault).toBeGreaterThan(0);
    }
  }
});

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
  await mendManifest(folder);
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
  await change(folder, (bytes) => {
    const raw = zstdDecompressSync(bytes);
    return zstdCompressSync(raw.subarray(0, raw.length / 2));
  });
  await mendManifest(folder);
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

test('good backups of many shapes raise no alarm', async ({ database, vault }) => {
  for (let round = 0; round < 12; round += 1) {
    await database.query(
      `CREATE TABLE t${round} AS SELECT n, repeat('ä', n % 300) AS pad FROM generate_series(1, ${round * 997}) AS n`,
    );
    await vault.take({ compressionLevel: 1 + (round % 6) });
    expect(await vault.verify(), `round ${round}`).toMatchObject({ status: 'done' });
  }
});
