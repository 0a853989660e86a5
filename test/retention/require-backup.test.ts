import { join } from 'node:path';
import { expect } from 'vitest';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import { findFallback } from '../../src/backups/freshness.ts';
import { appendReceipt } from '../../src/backups/receipts.ts';
import { localStore, listBackups } from '../../src/backups/repository.ts';
import type { CopyPlace } from '../../src/engine/backup-places.ts';
import { prune } from '../../src/tasks/prune.ts';
import { placesAt } from '../support/backup-places.ts';
import { test } from '../support/backups.ts';
import { runTask } from '../support/run-task.ts';

test('rows go only while there is a fresh backup that no later verification has found bad', async ({
  database,
  session,
  vault,
}) => {
  await database.query(`CREATE TABLE events AS SELECT now() - g * interval '1 day' AS at FROM generate_series(1, 9) g`);
  await vault.take();
  const rules = [{ name: 'events', table: 'events', age: 'at', olderThan: '5 days', maxShare: 1 }];
  const around = { database: session, backups: { directory: vault.directory } };
  const settings = { rules, requireBackup: '26h', vacuum: false };
  expect(await runTask(prune, settings, around)).toMatchObject([{ status: 'done', facts: { rows: 5 } }]);

  const signal = new AbortController().signal;
  const now = new Date();
  const places = placesAt(vault.directory);
  const since = new Date(now.getTime() - 60_000);
  const asked = { places, label: 'app', since, now, signal };
  const { newest } = await findFallback(asked);
  expect(newest?.takenAt.getTime()).toBeGreaterThan(since.getTime());

  const [entry] = await listBackups(localStore(vault.directory), 'app', signal);
  if (entry === undefined) throw new Error('no backup');
  const facts = { level: 'decode' };
  const receipt = { label: 'app', kind: 'verify', backup: entry.id, copy: 'local', verdict: 'fail' } as const;
  await appendReceipt(vault.directory, { ...receipt, at: now, facts });
  const [refused] = await runTask(prune, settings, around);
  expect(refused).toMatchObject({ status: 'fail', detail: 'prune.backup' });

  // The other place has not been found bad; one that does not answer is named.
  const copy: CopyPlace = {
    name: 'other',
    medium: 'disk',
    isOffsite: true,
    immutableForMs: undefined,
    keep: undefined,
    readsBack: true,
    open: () => openFolderStore('other', vault.directory),
  };
  const gone: CopyPlace = { ...copy, name: 'gone', open: () => openFolderStore('gone', join(vault.directory, 'no')) };
  const found = await findFallback({ ...asked, places: { ...places, copies: [gone, copy] } });
  expect(found.newest?.id).toBe(entry.id);
  expect(found.silent).toHaveLength(1);
});
