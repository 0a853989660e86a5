import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadTarFormat, type TarEntry } from '../../src/adapters/tar-format.ts';
import { TreeWriter } from '../../src/adapters/tree-writer.ts';
import { BrokenTar, TarContentsReader } from '../../src/backups/tar-read.ts';
import { TarUnpack } from '../../src/backups/tar-unpack.ts';
import { TarPieces } from '../../src/backups/tar-write.ts';

const FACTS = { mode: 0o644, uid: 0, gid: 0, size: 0, modifiedAt: new Date(0) };
const format = await loadTarFormat();

function unpack(...entries: readonly TarEntry[]): string {
  const place = mkdtempSync(join(tmpdir(), 'maint-unpack-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const root = join(place, 'inside');
  mkdirSync(root);
  const pieces = new TarPieces(format);
  for (const entry of entries) {
    pieces.head(entry);
    if (entry.kind === 'file') pieces.room(entry.size).fill('x');
  }
  pieces.end();
  const unpacking = new TarUnpack(new TreeWriter(root));
  const reader = new TarContentsReader(format, unpacking);
  try {
    reader.push(pieces.take());
    reader.finish();
    unpacking.finish();
  } finally {
    unpacking.abandon();
    expect(readdirSync(place)).toEqual(['inside']);
  }
  return root;
}

test.each(['../out', 'a/../../out', '/out', 'a//b', '.', './a', 'nowhere/file', 'link/out'])(
  'an entry called %s is refused: it lies in no folder of the archive',
  (path) => {
    const before: readonly TarEntry[] = [
      { ...FACTS, path: 'a', kind: 'folder', mode: 0o755 },
      { ...FACTS, path: 'link', kind: 'link', target: '..' },
    ];
    expect(() => unpack(...before, { ...FACTS, path, kind: 'file', size: 3 })).toThrow(BrokenTar);
  },
);

test('what the archive itself has made is never written over', () => {
  const twice: TarEntry = { ...FACTS, path: 'a', kind: 'file', size: 3 };
  expect(() => unpack(twice, twice)).toThrow(/EEXIST/);
});

test('names, sizes and targets of any length and with any letters come back', () => {
  const folder = 'f'.repeat(180);
  const root = unpack(
    { ...FACTS, path: folder, kind: 'folder', mode: 0o755 },
    { ...FACTS, path: `${folder}/${'n'.repeat(200)}`, kind: 'file', size: 70_000 },
    { ...FACTS, path: 'two\n12 size=7\nlines ☃', kind: 'file', size: 5 },
    { ...FACTS, path: 'link', kind: 'link', target: `to/${'far '.repeat(60)}` },
  );
  expect(readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual(
    [folder, `${folder}/${'n'.repeat(200)}`, 'link', 'two\n12 size=7\nlines ☃'].toSorted(),
  );
});
