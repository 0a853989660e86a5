import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ForeignArchive } from '../../src/backups/archive-header.ts';
import { ArchiveRows, BrokenArchive } from '../../src/backups/archive-rows.ts';

interface Table {
  readonly name: string;
  /** Pieces as pg_dump wrote them: a row each up to version 16, larger buffers in later ones. */
  readonly pieces: readonly string[];
}

/** Writes an archive as pg_dump does: 14 is the format of PostgreSQL 12 to 15, 15 of 16, 16 of 17 and 18. */
function archive(minor: number, tables: readonly Table[], largeObjects: readonly Buffer[] = []): Buffer {
  const entries = tables.map(({ name }, index) => entry(minor, index + 1, 'TABLE DATA', name));
  return Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, 4, 8, 1]),
    minor >= 15 ? Buffer.from([0]) : int(0),
    ...Array.from({ length: 7 }, () => int(1)),
    ...['db', '16.1', '16.1'].map(text),
    int(entries.length + 2),
    entry(minor, 900, 'TABLE', 'a table without data'),
    ...entries,
    entry(minor, 901, 'BLOBS', 'BLOBS'),
    ...tables.flatMap(({ pieces }, index) => [
      Buffer.from([1]),
      int(index + 1),
      ...[...pieces, '\\.\n\n\n'].flatMap((piece) => [int(Buffer.byteLength(piece)), Buffer.from(piece)]),
      int(0),
    ]),
    Buffer.from([3]),
    int(901),
    ...largeObjects.flatMap((bytes, index) => [int(index + 16_400), int(bytes.length), bytes, int(0)]),
    int(0),
  ]);
}

function entry(minor: number, dumpId: number, kind: string, name: string): Buffer {
  const hasData = kind !== 'TABLE';
  return Buffer.concat([
    int(dumpId),
    int(hasData ? 1 : 0),
    text('0'),
    text(String(dumpId + 16_384)),
    text(name),
    text(kind),
    int(2),
    text(''),
    text(''),
    text(`COPY public.${name} (id) FROM stdin;\n`),
    text('public'),
    nothing,
    nothing,
    ...(minor >= 16 ? [int(114)] : []),
    text('postgres'),
    text('false'),
    text('7'),
    nothing,
    Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(value < 0 ? 1 : 0, 0);
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
}

const nothing = int(-1);

function count(bytes: Buffer, chunkSize: number): Readonly<Record<string, number>> {
  const rows = new ArchiveRows();
  for (let at = 0; at < bytes.length; at += chunkSize) rows.push(bytes.subarray(at, at + chunkSize));
  return Object.fromEntries(rows.finish().map(({ name, rows: found }) => [name, found]));
}

describe.each([14, 15, 16])('an archive of version 1.%i', (minor) => {
  test('is counted the same however it is cut into chunks', () => {
    const line = fc.string({ maxLength: 120 }).map((value) => `${value.replaceAll(/[\n\\]/g, '')}\n`);
    const tables = fc.array(fc.array(line, { maxLength: 30 }), { maxLength: 5 });
    fc.assert(
      fc.property(tables, fc.integer({ min: 1, max: 300 }), fc.boolean(), (lists, chunkSize, isBuffered) => {
        const made = lists.map((lines, index) => ({
          name: `t${index}`,
          pieces: isBuffered ? (lines.join('').match(/[^]{1,64}/g) ?? []) : lines,
        }));
        const expected = Object.fromEntries(lists.map((lines, index) => [`t${index}`, lines.length]));
        const bytes = archive(minor, made, [Buffer.from('a\nb\n\\.\n'), Buffer.alloc(50_000, 10)]);
        expect(count(bytes, chunkSize)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('that ends too early is broken, wherever it ends', () => {
    const whole = archive(minor, [{ name: 'users', pieces: ['1\n', '2\n', '3\n'] }]);
    // Without the large objects' block nothing is missing that has rows, so the cuts stop before it.
    for (let length = 5; length < whole.length - 11; length += 1)
      expect(() => count(whole.subarray(0, length), 1_000), `cut at ${length}`).toThrow(BrokenArchive);
  });
});

test('rows of a megabyte in small pieces are each counted once', () => {
  const row = `${'x'.repeat(2 ** 20)}\n`;
  const pieces = `${row}${row}${row}`.match(/[^]{1,4096}/g) ?? [];
  expect(count(archive(16, [{ name: 'large', pieces }]), 256 * 2 ** 10)).toEqual({ large: 3 });
});

test('an archive of an unknown version is left to pg_restore', () => {
  expect(() => count(archive(17, []), 100)).toThrow(ForeignArchive);
});

test('data without its end mark is left to pg_restore', () => {
  const bytes = archive(15, [{ name: 'users', pieces: ['1\n'] }]);
  bytes.write('x', bytes.indexOf('\\.\n\n\n'));
  expect(() => count(bytes, 1_000)).toThrow(ForeignArchive);
});
