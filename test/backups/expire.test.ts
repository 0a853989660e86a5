import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import type { Store } from '../../src/adapters/store.ts';
import { planRemovals, removeOld, type ExpiryPlan } from '../../src/backups/expire.ts';
import { appendReceipt, lastReceipt, readReceipts } from '../../src/backups/receipts.ts';
import { listBackups, localStore, type BackupEntry } from '../../src/backups/repository.ts';
import { makeManifest } from '../support/manifest.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const IDS = ['20261118T030000Z-aaaa', '20261119T030000Z-aaaa', '20261120T030000Z-aaaa', '20261121T030000Z-aaaa'];
const KEEP = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, minVerified: 1 };
const never = new AbortController().signal;

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), 'maint-expire-'));
    for (const id of IDS) {
      const folder = join(directory, 'app', id);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'data.dump.zst'), Buffer.alloc(1_000));
      writeFileSync(join(folder, 'SHA256SUMS'), '');
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify(makeManifest({ id })));
    }
    await use(directory);
    rmSync(directory, { recursive: true, force: true });
  },
});

function left(directory: string): readonly string[] {
  return readdirSync(join(directory, 'app'));
}

async function plan(directory: string, entries: readonly BackupEntry[]): Promise<ExpiryPlan> {
  return planRemovals({ directory, label: 'app', entries, keep: KEEP, timezone: 'UTC', now: NOW });
}

test('what has had its time goes, the oldest first', async ({ directory }) => {
  const entries = await listBackups(localStore(directory), 'app', never);
  const { fates } = await plan(directory, entries);
  const told: string[] = [];
  const onRemoved = ({ id }: { readonly id: string }): void => void told.push(id);
  const removals = await removeOld({ directory, label: 'app', entries, fates, onRemoved }, never);
  expect(removals).toEqual({ removed: IDS.slice(0, 3), retained: [] });
  expect(told).toEqual(IDS.slice(0, 3));
  expect(left(directory)).toEqual(IDS.slice(3));
});

test('a stop between two leaves the later ones whole', async ({ directory }) => {
  const entries = await listBackups(localStore(directory), 'app', never);
  const { fates } = await plan(directory, entries);
  const controller = new AbortController();
  const onRemoved = (): void => controller.abort('SIGTERM');
  const removing = removeOld({ directory, label: 'app', entries, fates, onRemoved }, controller.signal);
  await expect(removing).rejects.toBe('SIGTERM');
  expect(left(directory)).toEqual(IDS.slice(1));
});

test('receipts of bad verifications and of pins decide, each for its own place', async ({ directory }) => {
  const stated = { label: 'app', at: NOW, facts: {} };
  await appendReceipt(directory, { ...stated, kind: 'verify', backup: IDS[3] ?? '', copy: 'local', verdict: 'fail' });
  await appendReceipt(directory, { ...stated, kind: 'pin', backup: IDS[0] ?? '', copy: 'local', verdict: 'pass' });
  const doomed = async (store: Store): Promise<readonly string[]> => {
    const { fates } = await plan(directory, await listBackups(store, 'app', never));
    return fates.filter(({ action }) => action === 'delete').map(({ id }) => id);
  };
  expect(await doomed(localStore(directory))).toEqual([IDS[1]]);
  expect(await doomed(openFolderStore('offsite', directory))).toEqual([IDS[1], IDS[2]]);
});

test('where the receipts cannot be read nothing goes, for one of them may be a pin', async ({ directory }) => {
  const entries = await listBackups(localStore(directory), 'app', never);
  mkdirSync(join(directory, 'receipts'));
  writeFileSync(join(directory, 'receipts', 'app'), 'no folder');
  await expect(plan(directory, entries)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
});

test('while a backup of this host is suspicious nothing goes elsewhere either, even where it was never sent', async ({
  directory,
}) => {
  const entries = await listBackups(openFolderStore('offsite', directory), 'app', never);
  const id = '20261122T030000Z-bbbb';
  const anomalies = [{ detail: 'anomaly.rows', table: 'public.users', message: 'half is gone', isSuspicious: true }];
  const [newest] = entries;
  if (newest === undefined) throw new Error('no backup');
  const odd = { ...newest, id, store: localStore(directory), manifest: makeManifest({ id, anomalies }) };
  const request = { directory, label: 'app', entries, keep: KEEP, timezone: 'UTC', now: NOW };
  const { fates, frozen } = await planRemovals({ ...request, ofThisHost: [odd] });
  expect(frozen).toMatchObject({ detail: 'expiry.suspicious', summary: expect.stringContaining(id) });
  expect(fates.map(({ action }) => action)).toEqual(['keep', 'keep', 'keep', 'keep']);
  await appendReceipt(directory, {
    kind: 'acknowledge',
    backup: id,
    label: 'app',
    copy: 'local',
    verdict: 'pass',
    at: NOW,
    facts: {},
  });
  expect(
    (await planRemovals({ ...request, ofThisHost: [odd] })).fates.filter(({ action }) => action === 'delete'),
  ).toHaveLength(3);
});

test('a place that keeps what it was told to remove is no failure', async ({ directory }) => {
  const store: Store = { ...openFolderStore('offsite', directory), remove: () => Promise.resolve('retained') };
  const entries = await listBackups(store, 'app', never);
  const { fates } = await plan(directory, entries);
  const removals = await removeOld({ directory, label: 'app', entries, fates, onRemoved: () => undefined }, never);
  expect(removals).toEqual({ removed: [], retained: IDS.slice(0, 3) });
  expect(left(directory)).toEqual(IDS);
});

test('what is pinned while older ones go stays, though the plan let it go', async ({ directory }) => {
  const entries = await listBackups(localStore(directory), 'app', never);
  const { fates } = await plan(directory, entries);
  const [, second = '', third = ''] = IDS;
  // A person at another terminal, just after the plan was made.
  await pin(directory, second);
  const onRemoved = (): void => undefined;
  const removals = await removeOld({ directory, label: 'app', entries, fates, onRemoved }, never);
  expect(removals.removed).not.toContain(second);
  expect(removals.removed).toContain(third);
  expect(left(directory)).toContain(second);
});

test('the last receipts cannot go unnoticed: this host remembers them, and so does every later backup', async ({
  directory,
}) => {
  const receipts = join(directory, 'receipts', 'app');
  for (const id of IDS) await pin(directory, id);
  const manifests = { receipts: await lastReceipt(directory, 'app') };
  const witness = [{ store: { name: 'offsite' }, manifest: manifests }];
  const faultOf = async (witnesses = witness): Promise<string | undefined> =>
    (await readReceipts(directory, 'app', witnesses)).fault;
  expect(await faultOf()).toBeUndefined();

  rmSync(join(receipts, '000004.json'));
  expect(await faultOf([])).toBe('there were 4, the last one left is 3');
  const { frozen } = await plan(directory, await listBackups(localStore(directory), 'app', never));
  expect(frozen).toMatchObject({ detail: 'expiry.receipts_broken' });
  // Writing on does not cover it up.
  for (const id of ['x', 'y', 'z']) await pin(directory, id);
  expect(await faultOf([])).toBe('receipt 4 is another one than was written');
  // With what this host remembers gone too, the manifests still tell.
  rmSync(join(directory, 'receipts', 'app.head.json'));
  expect(await faultOf([])).toBeUndefined();
  expect(await faultOf()).toBe('receipt 4 is another one than was written');

  // Moved aside as the advice says, a new chain begins, and what was remembered of the old one does not freeze it.
  rmSync(receipts, { recursive: true });
  expect(await faultOf([{ store: { name: 'local' }, manifest: manifests }])).toBe('all 4 are gone');
  // A host that only sees copies never had any.
  expect(await faultOf()).toBeUndefined();
  await pin(directory, 'new');
  expect(await faultOf()).toBeUndefined();
});

async function pin(directory: string, backup: string): Promise<string> {
  return appendReceipt(directory, {
    kind: 'pin',
    backup,
    label: 'app',
    copy: 'local',
    verdict: 'pass',
    at: NOW,
    facts: { by: 'me', reason: 'x' },
  });
}
