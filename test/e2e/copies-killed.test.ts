import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { keyFile } from '../support/age.ts';
import { MANY_ROWS, run, test, wholeIn } from '../support/copying-site.ts';
import { descendants, until } from '../support/process-table.ts';

describe('maint killed while it sends', () => {
  test('to a bucket leaves nothing that looks like a backup, and the next run completes it', async ({
    site,
    cloud,
    configure,
  }) => {
    await site.database.query(MANY_ROWS);
    configure({ cloud: { partSize: '5 MB' } });
    for (const [index, operation] of (['UploadPart', 'CompleteMultipartUpload'] as const).entries()) {
      cloud.fault({ operation, effect: 'hang' });
      const earlier = cloud.operations.filter((each) => each === operation).length;
      const running = site.start('backup');
      await cloud.asked(operation, earlier + 1);
      running.child.kill('SIGKILL');
      expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
      cloud.heal();
      expect(site.visible()).toHaveLength(index + 1);
      expect((await cloud.keys()).filter((key) => key.endsWith('/manifest.json'))).toEqual([]);
      expect(await wholeIn(site, 'cloud')).toEqual([]);
    }
    const next = await run(site, 'backup');
    expect(next.exitCode).toBe(0);
    // The site keeps three.
    expect((await wholeIn(site, 'cloud')).toSorted()).toEqual(expect.arrayContaining([...site.visible()]));
    expect(await site.run('verify-backup', '--copy', 'cloud', '--all')).toMatchObject({ exitCode: 0 });
  });

  test('to a folder does so too', async ({ site, configure }) => {
    configure();
    await site.database.query(MANY_ROWS);
    const shelf = join(site.folder, 'shelf/app');
    const begun = (id: string): boolean => existsSync(join(shelf, id)) && readdirSync(join(shelf, id)).length > 0;
    for (let round = 0; round < 2; round += 1) {
      const earlier = site.visible();
      const fresh = (): string | undefined => site.visible().find((id) => !earlier.includes(id));
      const running = site.start('backup');
      await until('the new backup is on its way', () => begun(fresh() ?? 'none') || running.child.exitCode !== null);
      running.child.kill('SIGKILL');
      await running.ended;
      const id = fresh() ?? '';
      // It may have been faster than the blow.
      const isWhole = existsSync(join(shelf, id, 'manifest.json'));
      expect((await wholeIn(site, 'shelf')).includes(id)).toBe(isWhole);
    }
    expect(await run(site, 'backup')).toMatchObject({ exitCode: 0 });
    expect(await wholeIn(site, 'shelf')).toEqual(expect.arrayContaining([...site.visible()]));
    expect(await site.run('verify-backup', '--copy', 'shelf', '--all')).toMatchObject({ exitCode: 0 });
    expect(readdirSync(shelf, { recursive: true }).filter((name) => String(name).endsWith('.partial'))).toEqual([]);
  });
});

test('whatever is killed while a backup is encrypted and sent, only whole ones are seen, and the next one works', async ({
  site,
}) => {
  await site.database.query(MANY_ROWS);
  const keys = await makeKeyPair();
  const identity = join(site.folder, 'key.txt');
  writeFileSync(identity, keyFile(keys).reveal(), { mode: 0o600 });
  const shelf = join(site.folder, 'shelf');
  mkdirSync(shelf);
  const encryption = { recipients: [keys.recipient], identity: { file: identity } };
  const copies = [{ type: 'directory', name: 'shelf', directory: shelf }];
  site.configure({ backups: { directory: join(site.folder, 'backups'), encryption, copies }, tasks: {} });
  for (const victim of ['pg_dump', 'zstd', 'maint, softly', 'maint']) {
    const running = site.start('backup');
    const { pid = 0 } = running.child;
    const below = (): readonly number[] =>
      descendants(pid)
        .filter(({ commandLine }) => new RegExp(`^(\\S*/)?${victim} -`).test(commandLine))
        .map((child) => child.pid);
    const isOver = (): boolean => running.child.exitCode !== null;
    await until('it dumps', () => site.hidden().length > 0 || isOver());
    await setTimeout(randomInt(800));
    if (victim.startsWith('maint')) running.child.kill(victim === 'maint' ? 'SIGKILL' : 'SIGTERM');
    else for (const child of below()) kill(child);
    await running.ended;
  }
  expect(await run(site, 'backup')).toMatchObject({ exitCode: 0 });
  expect(site.hidden()).toEqual([]);
  for (const name of ['local', 'shelf'])
    expect(await site.run('verify-backup', '--all', '--copy', name), name).toMatchObject({ exitCode: 0 });
  expect((await wholeIn(site, 'shelf')).toSorted()).toEqual([...site.visible()].toSorted());
});

/** It may have ended by itself meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    expect(descendants(process.pid).map((each) => each.pid)).not.toContain(pid);
  }
}
