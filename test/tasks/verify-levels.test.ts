import { cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import { readReceipts } from '../../src/backups/receipts.ts';
import type { CopyPlace } from '../../src/engine/backup-places.ts';
import { verifyBackup } from '../../src/tasks/verify-backup.ts';
import { test as base, type Vault } from '../support/backups.ts';
import { noDatabase, performSteps, planTask } from '../support/run-task.ts';

const test = base.extend<{ taken: string }>({
  taken: async ({ database, vault }, use) => {
    await database.query('CREATE TABLE users AS SELECT n AS id FROM generate_series(1, 1000) AS n');
    await vault.take();
    await use((await vault.backups())[0] ?? '');
  },
});

async function flip(folder: string): Promise<void> {
  const path = join(folder, 'data.dump.zst');
  const bytes = await readFile(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

const ALL = ['present', 'checksum', 'decode', 'restore'] as const;

test.for(ALL)('a good backup passes at the level %s, and its receipt says so', async (level, { vault, taken }) => {
  const outcome = await vault.verify({ level });
  expect(outcome).toMatchObject({ status: 'done', facts: { level, copy: 'local', rows: 1000 } });
  expect((await readReceipts(vault.directory, 'app')).receipts).toMatchObject([
    { kind: 'verify', level, verdict: 'pass', backup: taken.split('/').at(-1), copy: 'local', findings: [] },
  ]);
});

test('lengths are enough to find a file that was cut off, and every level finds it', async ({ vault, taken }) => {
  await truncate(join(taken, 'data.dump.zst'), 100);
  for (const level of ALL) expect((await vault.verify({ level })).status, level).toBe('fail');
  expect(await vault.verify({ level: 'present' })).toMatchObject({ detail: 'verify.truncated' });
});

test('a flipped bit takes at least the level checksum', async ({ vault, taken }) => {
  await flip(taken);
  expect(await vault.verify({ level: 'present' })).toMatchObject({ status: 'done' });
  for (const level of ['checksum', 'decode', 'restore'])
    expect(await vault.verify({ level })).toMatchObject({ status: 'fail', detail: 'verify.checksum_mismatch' });
  const { receipts } = await readReceipts(vault.directory, 'app');
  expect(receipts.map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'fail', 'fail']);
});

test('the levels present and checksum need no program at all', async ({ vault, taken }) => {
  const clients = clientPrograms([], '/nonexistent', {});
  for (const level of ['present', 'checksum'])
    expect(await vault.verify({ level }, { clients }), taken).toMatchObject({ status: 'done' });
});

function offsite(root: string): CopyPlace {
  return {
    name: 'offsite',
    medium: 'disk',
    isOffsite: true,
    immutableForMs: undefined,
    keep: undefined,
    readsBack: true,
    open: () => openFolderStore('offsite', root),
  };
}

test('a copy is verified where it lies, also when this host has lost its own', async ({ vault, taken }) => {
  const root = await mkdtemp(join(tmpdir(), 'maint-offsite-'));
  await cp(join(taken, '..'), join(root, 'app'), { recursive: true });
  const around = { backups: { copies: [offsite(root)] } };
  expect(await vault.verify({ copy: 'offsite' }, around)).toMatchObject({ status: 'done', facts: { copy: 'offsite' } });
  await rename(vault.directory, `${vault.directory}-lost`);
  expect(await vault.verify({ copy: 'offsite' }, around)).toMatchObject({ status: 'done' });
  expect(await readdir(tmpdir())).not.toContain(vault.directory.split('/').at(-1));
  await rename(`${vault.directory}-lost`, vault.directory);
  await flip(join(root, 'app', taken.split('/').at(-1) ?? ''));
  expect(await vault.verify({ copy: 'offsite' }, around)).toMatchObject({ status: 'fail' });
  expect(await vault.verify({}, around)).toMatchObject({ status: 'done' });
  await rm(root, { recursive: true });
});

test('a copy that is not configured is a mistake of the command line, and names those that are', async ({ vault }) => {
  await expect(vault.verify({ copy: 'offiste' }, { backups: { copies: [offsite('/x')] } })).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('local, offsite'),
  });
});

async function titles(vault: Vault, settings: object): Promise<readonly string[]> {
  const steps = await planTask(verifyBackup, { directory: vault.directory, ...settings }, { database: noDatabase });
  return steps.map(({ title }) => title);
}

test('a sample holds the newest and so many others, not always the same', async ({ vault, taken }) => {
  for (let count = 0; count < 4; count += 1) await vault.take();
  const newest = (await titles(vault, { which: 'all' }))[0];
  const seen = new Set<string>();
  for (let draw = 0; draw < 30; draw += 1) {
    const drawn = await titles(vault, { sample: 2 });
    expect(drawn).toHaveLength(3);
    expect(drawn[0]).toBe(newest);
    for (const title of drawn) seen.add(title);
  }
  expect(seen.size, taken).toBe(5);
  expect(await titles(vault, { sample: 50 })).toHaveLength(5);
});

test('a backup that expires while others are looked at is not called bad', async ({ vault, taken }) => {
  const around = { database: noDatabase };
  const steps = await planTask(verifyBackup, { directory: vault.directory, which: 'all' }, around);
  await rm(taken, { recursive: true });
  await expect(performSteps(steps, around)).rejects.toMatchObject({ code: 'FILE_UNUSABLE', detail: 'verify.gone' });
  expect((await readReceipts(vault.directory, 'app')).receipts).toEqual([]);
});
