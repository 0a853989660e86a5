import { chown, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openScratch, sweepSandboxes } from '../../src/backups/sandbox.ts';

const DEAD = JSON.stringify({ host: hostname(), bootId: 'of another boot', pid: 1, startTicks: 1 });

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'maint-sweep-'));
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

async function folder(name: string, owner?: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  if (owner !== undefined) await writeFile(join(path, 'owner.json'), owner);
  return path;
}

test('a folder goes with its owner: not while it lives, and for good when it is gone', async () => {
  const dead = await folder('maint-rt-dead', DEAD);
  await using alive = await openScratch(parent);
  expect(await sweepSandboxes(parent, new Date())).toEqual([dead]);
  expect(await readdir(parent)).toEqual([alive.folder.slice(parent.length + 1)]);
});

test('a folder that nobody signed goes after a while, for its owner may be about to sign it', async () => {
  const old = await folder('maint-rt-old');
  await folder('maint-rt-young');
  await utimes(old, new Date('2026-01-01'), new Date('2026-01-01'));
  expect(await sweepSandboxes(parent, new Date())).toEqual([old]);
});

test('what is not ours stays: another name, a link, a folder of another user', async () => {
  await folder('something-else', DEAD);
  const target = await folder('target', DEAD);
  await symlink(target, join(parent, 'maint-rt-link'));
  if (process.getuid?.() === 0) await chown(await folder('maint-rt-theirs', DEAD), 65_534, 65_534);
  expect(await sweepSandboxes(parent, new Date())).toEqual([]);
});
