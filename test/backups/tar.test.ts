import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { release } from '../../src/adapters/memory.ts';
import { loadTarFormat, type TarEntry } from '../../src/adapters/tar-format.ts';
import { BrokenTar, TarContentsReader, type TarContents } from '../../src/backups/tar-read.ts';
import { TarPieces } from '../../src/backups/tar-write.ts';

const FACTS = { mode: 0o640, uid: 1_000, gid: 1_000, size: 0, modifiedAt: new Date('2026-01-02T03:04:05Z') };

const format = await loadTarFormat();

function file(path: string, size: number, facts: Partial<TarEntry> = {}): TarEntry {
  return { ...FACTS, ...facts, path, kind: 'file', size };
}

/** An archive of files full of `x`. */
function archive(entries: readonly TarEntry[]): Buffer {
  const pieces = new TarPieces(format);
  const taken: Buffer[] = [];
  for (const entry of entries) {
    pieces.head(entry);
    if (entry.kind === 'file') pieces.room(entry.size).fill('x');
    if (pieces.isFull) taken.push(pieces.take());
  }
  pieces.end();
  return Buffer.concat([...taken, pieces.take()]);
}

/** Reads in pieces of so many bytes. */
function read(bytes: Buffer, pieceBytes: number): TarContents {
  const reader = new TarContentsReader(format);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  return reader.finish();
}

const NAMES = [
  'a.txt',
  'with space and "quotes"',
  'Ünïcode/☃.txt',
  `${'long/'.repeat(60)}name`,
  'two\nlines',
  `exactly/${'x'.repeat(92)}`,
  `one more/${'x'.repeat(92)}`,
  // What a name pretends to be must not count.
  `${'long/'.repeat(60)}\n12 size=7\n11 path=x\n`,
];

describe('an archive', () => {
  test('is read by the program tar, each entry with its name, size and time', () => {
    const bytes = archive([
      { ...FACTS, path: 'folder', kind: 'folder', mode: 0o750 },
      ...NAMES.map((path, size) => file(path, size)),
      { ...FACTS, path: 'link', kind: 'link', target: `to/${'far '.repeat(60)}` },
      file('big ids', 1, { uid: 4_000_000_000, gid: 3_000_000 }),
    ]);
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' };
    const args = ['--list', '--verbose', '--numeric-owner', '--full-time', '--quoting-style=c', '--file=-'];
    const listed = execFileSync('tar', args, { input: bytes, env, encoding: 'utf8' });
    const at = '2026-01-02 03:04:05';
    expect(
      listed
        .replaceAll(/ +(?=\d)/g, ' ')
        .split('\n')
        .slice(0, -1),
    ).toEqual([
      `drwxr-x--- 1000/1000 0 ${at} "folder/"`,
      ...NAMES.map((path, size) => `-rw-r----- 1000/1000 ${size} ${at} ${JSON.stringify(path)}`),
      `lrw-r----- 1000/1000 0 ${at} "link" -> "to/${'far '.repeat(60)}"`,
      `-rw-r----- 4000000000/3000000 1 ${at} "big ids"`,
    ]);
  });

  test('keeps times before 1970, and survives those that no calendar knows', () => {
    const bytes = archive([
      file('old', 1, { modifiedAt: new Date('1969-12-31T23:59:58.500Z') }),
      file('lost', 1, { modifiedAt: new Date(Number.NaN) }),
    ]);
    const listed = execFileSync('tar', ['--list', '--verbose', '--full-time', '--file=-'], {
      input: bytes,
      env: { ...process.env, TZ: 'UTC' },
      encoding: 'utf8',
    });
    expect(listed).toMatch(/ 1969-12-31 23:59:58 old\n.* 1970-01-01 00:00:00 lost\n/);
    expect(read(bytes, 777)).toMatchObject({ files: 2, bytes: 2 });
  });

  test('is handed out in pieces of bounded size, whose last is filled up to a whole record', () => {
    const pieces = new TarPieces(format);
    let bytes = 0;
    for (let number = 0; number < 3_000; number += 1) {
      const entry = file(`${'name/'.repeat(number % 900)}${number}`, (number * 7_919) % (TarPieces.largestFile + 1));
      pieces.head(entry);
      pieces.room(entry.size);
      if (!pieces.isFull) continue;
      const piece = pieces.take();
      expect(piece.length).toBeLessThanOrEqual(2 ** 20);
      bytes += piece.length;
      const memory = piece.buffer;
      release(piece);
      expect(memory.byteLength, 'all of its memory goes with it').toBe(0);
    }
    pieces.end();
    expect((bytes + pieces.take().length) % 10_240).toBe(0);
  });

  test('tells sizes beyond eight gigabytes', () => {
    const pieces = new TarPieces(format);
    pieces.head(file('huge', 10 * 2 ** 30));
    const head = pieces.take();
    const { stdout } = spawnSync('tar', ['--list', '--verbose', '--file=-'], { input: head, encoding: 'utf8' });
    expect(stdout).toMatch(/ 10737418240 .* huge/);
  });

  test('is counted the same however it is cut into pieces', () => {
    const entries = fc.array(fc.record({ name: fc.constantFrom(...NAMES), size: fc.integer({ min: 0, max: 3_000 }) }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 5_000 }), (made, pieceBytes) => {
        const bytes = archive(made.map(({ name, size }) => file(name, size)));
        expect(bytes.length % 10_240).toBe(0);
        expect(read(bytes, pieceBytes)).toEqual({
          files: made.length,
          bytes: made.reduce((sum, { size }) => sum + size, 0),
          folders: 0,
          links: 0,
        });
      }),
      { numRuns: 200 },
    );
  });

  test('that the program tar wrote is counted too', () => {
    const bytes = execFileSync('tar', [
      '--create',
      '--format=pax',
      '--file=-',
      '-C',
      import.meta.dirname,
      'tar.test.ts',
    ]);
    expect(read(bytes, 1_000)).toMatchObject({ files: 1 });
  });

  test('that lost its end, or a byte of a header, is found out', () => {
    const bytes = archive(NAMES.map((path, size) => file(path, size * 700)));
    for (const length of [0, 511, 512, 5_000, bytes.length - 10_240])
      expect(() => read(bytes.subarray(0, length), 777), String(length)).toThrow(BrokenTar);
    for (const at of [0, 100, 124, 150, 257]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(() => read(flipped, 777), String(at)).toThrow(BrokenTar);
    }
  });
});
