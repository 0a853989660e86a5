import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import type { Store } from '../../src/adapters/store.ts';
import { appendReceipt, readReceipts } from '../../src/backups/receipts.ts';
import type { CopyPlace } from '../../src/engine/backup-places.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { backup } from '../../src/tasks/backup.ts';
import { test as base } from '../support/backups.ts';
import { performSteps, planTask } from '../support/run-task.ts';

interface Copying {
  /** Folder of the copies of the project. */
  readonly folder: string;
  /** Takes a backup with this place of copies; the outcomes by step. */
  run(change?: Partial<CopyPlace>, settings?: object): Promise<Readonly<Record<string, Outcome>>>;
}

const test = base.extend<{ copying: Copying }>({
  copying: async ({ vault, database: { connection }, session }, use) => {
    const root = await mkdtemp(join(tmpdir(), 'maint-copies-'));
    const place: CopyPlace = {
      name: 'offsite',
      medium: 'disk',
      isOffsite: true,
      immutableForMs: undefined,
      keep: undefined,
      readsBack: true,
      open: () => openFolderStore('offsite', root),
    };
    let day = 1;
    await use({
      folder: join(root, 'app'),
      async run(change, settings) {
        const today = new Date(Date.UTC(2026, 0, day++, 3));
        const around = {
          database: session,
          connection,
          backups: { copies: [{ ...place, ...change }] },
          now: () => today,
        };
        const steps = await planTask(backup, { directory: vault.directory, ...settings }, around);
        const outcomes = await performSteps(steps, around);
        return Object.fromEntries(
          steps.map(({ title }, index) => [title.replace(/ \w{20,}$/, ''), outcomes[index] ?? never()]),
        );
      },
    });
    await rm(root, { recursive: true, force: true });
  },
});

function never(): never {
  throw new Error('a step without an outcome');
}

test('a copy is the same files, and leaves a receipt', async ({ vault, copying }) => {
  const outcomes = await copying.run();
  expect(outcomes['copy to offsite']).toMatchObject({ status: 'done' });
  expect(outcomes['copy to offsite']?.summary).toContain('sent and read back');
  const [folder = ''] = await vault.backups();
  const id = folder.split('/').at(-1) ?? '';
  expect((await readdir(join(copying.folder, id))).toSorted()).toEqual((await readdir(folder)).toSorted());
  for (const name of await readdir(folder))
    expect(await readFile(join(copying.folder, id, name))).toEqual(await readFile(join(folder, name)));
  expect((await readReceipts(vault.directory, 'app')).receipts).toMatchObject([
    { kind: 'copy', backup: id, copy: 'offsite', verdict: 'pass', level: 'read-back', offsite: true },
  ]);
});

test('what an earlier run did not get across is sent by the next one, and nothing twice', async ({
  vault,
  copying,
}) => {
  await vault.take();
  await vault.take();
  expect((await copying.run())['copy to offsite']?.facts).toMatchObject({ copied: { length: 3 } });
  const again = await copying.run();
  expect(again['copy to offsite']?.facts).toMatchObject({ copied: { length: 1 } });
});

test('a copy that was broken off is no backup there, and is sent whole the next time', async ({ vault, copying }) => {
  await vault.take();
  const [folder = ''] = await vault.backups();
  const id = folder.split('/').at(-1) ?? '';
  await mkdir(join(copying.folder, id), { recursive: true });
  await cp(join(folder, 'data.dump.zst'), join(copying.folder, id, 'data.dump.zst'));
  const outcomes = await copying.run();
  expect(outcomes['copy to offsite']?.facts).toMatchObject({ copied: expect.arrayContaining([id]) });
  expect(await readdir(join(copying.folder, id))).toContain('manifest.json');
});

test('a pinned backup is sent although the place would not keep it otherwise', async ({ vault, copying }) => {
  await vault.take();
  const [folder = ''] = await vault.backups();
  const id = folder.split('/').at(-1) ?? '';
  await pinned(vault.directory, id);
  const keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, minVerified: 1 };
  await copying.run({ keep });
  await copying.run({ keep });
  expect(await readdir(copying.folder)).toContain(id);
  expect(await readdir(copying.folder)).toHaveLength(2);
});

test('what is left of a copy that nobody will finish is taken away; one that was whole once is not', async ({
  vault,
  copying,
}) => {
  const half = '20200101T030000Z-abcd';
  await mkdir(join(copying.folder, half), { recursive: true });
  await writeFile(join(copying.folder, half, 'data.dump.zst'), 'half');
  expect((await copying.run())['copy to offsite']).toMatchObject({ status: 'done', facts: { leftovers: [half] } });
  const [whole = ''] = await readdir(copying.folder);
  expect(await readdir(copying.folder)).toHaveLength(1);
  await rm(join(copying.folder, whole, 'manifest.json'));
  await rm(join(vault.directory, 'app', whole), { recursive: true });
  expect((await copying.run())['copy to offsite']?.facts).toMatchObject({ leftovers: [] });
  expect(await readdir(copying.folder)).toContain(whole);
});

test('a rotten backup keeps none of the others from being sent, newer or older', async ({ vault, copying }) => {
  for (let count = 0; count < 3; count += 1) await vault.take();
  const ids = (await vault.backups()).map((path) => path.split('/').at(-1) ?? '');
  const rotten = ids[1] ?? '';
  const dump = join(vault.directory, 'app', rotten, 'data.dump.zst');
  const bytes = await readFile(dump);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(dump, bytes);
  const outcome = (await copying.run())['copy to offsite'];
  expect(outcome).toMatchObject({ status: 'fail', facts: { id: rotten, copied: { length: 3 } } });
  expect(outcome?.summary).toContain('3 others arrived');
  const there = await Promise.all(
    (await readdir(copying.folder)).map(async (id) => ({ id, files: await readdir(join(copying.folder, id)) })),
  );
  const whole = there.filter(({ files }) => files.includes('manifest.json')).map(({ id }) => id);
  expect(whole).toHaveLength(3);
  expect(whole).not.toContain(rotten);
});

async function pinned(directory: string, backup: string): Promise<void> {
  const facts = { by: 'me', reason: 'an audit' };
  const stated = { kind: 'pin', backup, label: 'app', copy: 'local', verdict: 'pass' } as const;
  await appendReceipt(directory, { ...stated, at: new Date(), facts });
}

test('a place that has lost all that was sent there is not filled again until somebody says so', async ({
  copying,
}) => {
  await copying.run();
  await rm(copying.folder, { recursive: true });
  expect((await copying.run())['copy to offsite']).toMatchObject({ status: 'fail', detail: 'copy.emptied' });
  await expect(readdir(copying.folder)).rejects.toMatchObject({ code: 'ENOENT' });
  await mkdir(copying.folder);
  await writeFile(join(copying.folder, 'a new disk'), '');
  expect((await copying.run())['copy to offsite']?.facts).toMatchObject({ copied: { length: 3 } });
});

/** A place that changes one byte of every dump on the way in. */
function lossy(store: Store): Store {
  return {
    ...store,
    async put(path, upload, signal) {
      await store.put(path, upload, signal);
      if (!path.includes('data.dump')) return;
      const bytes = await readFile(store.locate(path));
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(store.locate(path), bytes);
    },
  };
}

test('a place that loses a bit is found out before the copy counts, and the local backup stays', async ({
  vault,
  copying,
}) => {
  const root = join(copying.folder, '..');
  const outcomes = await copying.run({ open: () => lossy(openFolderStore('offsite', root)) });
  expect(outcomes['copy to offsite']).toMatchObject({ status: 'fail', detail: 'copy.readback_mismatch' });
  expect(outcomes['expire backups']).toBeDefined();
  expect(await vault.backups()).toHaveLength(1);
  for (const id of await readdir(copying.folder))
    expect(await readdir(join(copying.folder, id))).not.toContain('manifest.json');
  expect((await readReceipts(vault.directory, 'app')).receipts).toMatchObject([{ kind: 'copy', verdict: 'fail' }]);
});

test('a place that is not there fails its own step, says what to do, and holds nothing else up', async ({
  vault,
  copying,
}) => {
  const gone = join(copying.folder, 'nowhere');
  const outcomes = await copying.run({ open: () => openFolderStore('offsite', gone) });
  expect(outcomes['copy to offsite']).toMatchObject({ status: 'fail', detail: 'copy.unreachable' });
  expect(outcomes['copy to offsite']?.remediation?.[0]).toContain('Mount the disk');
  expect(outcomes['expire backups']).toMatchObject({ status: 'skip' });
  expect(await vault.backups()).toHaveLength(1);
});

test('a place with a keep of its own lets old ones go and is not sent them again', async ({ vault, copying }) => {
  const keep = { last: 2, daily: 0, weekly: 0, monthly: 0, yearly: 0, minVerified: 1 };
  for (let taken = 0; taken < 3; taken += 1) await copying.run({ keep });
  expect(await readdir(copying.folder)).toHaveLength(2);
  expect(await vault.backups()).toHaveLength(3);
  const [again] = Object.values(await copying.run({ keep })).slice(1);
  expect(again?.facts).toMatchObject({ copied: { length: 1 }, removed: { length: 1 } });
});

test('a place that lets nobody delete keeps the old ones, which is no failure', async ({ copying }) => {
  const keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, minVerified: 1 };
  const root = join(copying.folder, '..');
  const locked = (): Store => ({ ...openFolderStore('offsite', root), remove: () => Promise.resolve('retained') });
  await copying.run({ keep, open: locked });
  const outcomes = await copying.run({ keep, open: locked });
  expect(outcomes['copy to offsite']).toMatchObject({
    status: 'done',
    facts: { retained: { length: 1 }, removed: [] },
  });
  expect(await readdir(copying.folder)).toHaveLength(2);
});

test('a copy verifies by itself, where it lies', async ({ vault, copying }) => {
  await copying.run();
  const directory = join(copying.folder, '..');
  expect(await vault.verify({ directory })).toMatchObject({ status: 'done' });
  const [id = ''] = await readdir(copying.folder);
  await rm(join(copying.folder, id, 'RESTORE.md'));
  expect(await vault.verify({ directory })).toMatchObject({ status: 'fail', detail: 'verify.missing_file' });
});
