import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import { appendReceipt } from '../../src/backups/receipts.ts';
import { offerLine, objectionsTo, offersIn } from '../../src/cli/restore-offer.ts';
import { makeManifest } from '../support/manifest.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const ID = '20261122T030000Z-aaaa';
const never = new AbortController().signal;

const test = base.extend<{ root: string }>({
  // oxlint-disable-next-line no-empty-pattern
  root: async ({}, use) => {
    const root = mkdtempSync(join(tmpdir(), 'maint-offer-'));
    const folder = join(root, 'here', 'app', ID);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'data.dump.zst'), Buffer.alloc(1_000));
    writeFileSync(join(folder, 'SHA256SUMS'), '');
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(makeManifest({ id: ID })));
    cpSync(join(root, 'here'), join(root, 'offsite'), { recursive: true });
    await use(root);
    rmSync(root, { recursive: true, force: true });
  },
});

function looking(root: string) {
  const stores = [openFolderStore('local', join(root, 'here')), openFolderStore('offsite', join(root, 'offsite'))];
  return { stores, directory: join(root, 'here'), label: 'app', now: NOW };
}

async function foundBad(root: string, copy: string): Promise<void> {
  const findings = [{ detail: 'verify.checksum_mismatch', message: 'data.dump.zst is not what was written' }];
  const stated = { kind: 'verify', backup: ID, label: 'app', copy, verdict: 'fail', at: NOW } as const;
  await appendReceipt(join(root, 'here'), { ...stated, facts: { level: 'checksum', findings } });
}

test('a copy that was found bad is not offered first, and is never called verified', async ({ root }) => {
  await foundBad(root, 'local');
  const [good] = (await offersIn(looking(root), never)).offers;
  expect(good?.entries.map(({ store }) => store.name)).toEqual(['offsite', 'local']);
  expect(good && offerLine(good, 1, NOW)).toContain('verified');
  await foundBad(root, 'offsite');
  const [bad] = (await offersIn(looking(root), never)).offers;
  expect(bad && offerLine(bad, 1, NOW)).toContain('found bad');
});

test('whoever restores a backup that was found bad is told what was found', async ({ root }) => {
  const [offer] = (await offersIn(looking(root), never)).offers;
  const entry = offer?.entries[0];
  if (entry === undefined) throw new Error('nothing was offered');
  expect(await objectionsTo(entry, looking(root))).toEqual([]);
  await foundBad(root, 'local');
  expect(await objectionsTo(entry, looking(root))).toEqual([
    expect.stringContaining(`${ID} in local was found bad on 2026-11-22: data.dump.zst is not what was written`),
  ]);
});

test('receipts that cannot be read hold no restore up, and are said', async ({ root }) => {
  mkdirSync(join(root, 'here', 'receipts'));
  writeFileSync(join(root, 'here', 'receipts', 'app'), 'no folder');
  const { offers, problems } = await offersIn(looking(root), never);
  expect(offers).toHaveLength(1);
  expect(problems).toEqual([expect.stringContaining('nobody can say which backups were found bad')]);
});

test('a place that is not there is said, and hides none of the others', async ({ root }) => {
  rmSync(join(root, 'here'), { recursive: true });
  const { offers, problems } = await offersIn(looking(root), never);
  expect(offers.map(({ entries }) => entries.map(({ store }) => store.name))).toEqual([['offsite']]);
  expect(problems).toEqual([expect.stringContaining('local could not be looked at')]);
});
