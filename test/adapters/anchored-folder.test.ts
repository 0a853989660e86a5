import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AnchoredFolder } from '../../src/adapters/anchored-folder.ts';

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'maint-anchor-'));
  for (const folder of ['root/inner', 'outside']) {
    mkdirSync(join(place, folder), { recursive: true });
    writeFileSync(join(place, folder, 'file'), folder);
  }
});

afterEach(() => rmSync(place, { recursive: true }));

async function openRoot(): Promise<AnchoredFolder> {
  const root = await AnchoredFolder.open(join(place, 'root'));
  if (root === undefined) throw new Error('the root is not there');
  return root;
}

test('a folder that is held stays the same one, whatever takes its place', async () => {
  using root = await openRoot();
  const inner = root.enter('inner');
  if (typeof inner === 'string') throw new Error(inner);
  using held = inner;
  renameSync(join(place, 'root/inner'), join(place, 'root/moved'));
  symlinkSync(join(place, 'outside'), join(place, 'root/inner'));
  expect([...held.names()]).toEqual(['file']);
  expect(held.removeFile('file')).toBeUndefined();
  expect(existsSync(join(place, 'root/moved/file'))).toBe(false);
  expect(existsSync(join(place, 'outside/file'))).toBe(true);
  expect(root.enter('inner'), 'a link is not entered').toBe('vanished');
  expect(() => held.openFile('file', 'read')).toThrow(/ENOENT/);
});

test('one that was let go reaches nothing, not even what has its number by now', async () => {
  const root = await openRoot();
  root[Symbol.dispose]();
  using other = await openRoot();
  expect(root.look('inner')).toBe('vanished');
  expect(root.removeFile('file')).toBe('vanished');
  expect(other.look('inner')).toMatchObject({ kind: 'folder' });
  expect(await AnchoredFolder.open(join(place, 'nowhere'))).toBeUndefined();
});

test('opens ordinary files only, and makes none where there is one', async () => {
  using root = await openRoot();
  symlinkSync(join(place, 'outside/file'), join(place, 'root/link'));
  expect(() => root.openFile('link', 'read-write')).toThrow(/ELOOP/);
  expect(() => root.openFile('inner', 'read')).toThrow(/no ordinary file/);
  expect(() => root.openFile('link', 'create')).toThrow(/EEXIST/);
});
