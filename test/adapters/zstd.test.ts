import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { release } from '../../src/adapters/memory.ts';
import { compressed, decompressed, isDamaged } from '../../src/adapters/zstd.ts';

/** Half of it compresses, and it comes out in more pieces than are kept waiting. */
const BYTES = Buffer.concat(
  Array.from({ length: 40 }, (_, n) => Buffer.concat([randomBytes(40_000), Buffer.alloc(60_000, n)])),
);

/** Each piece has memory of its own, as what is read from a disk has. */
async function* inPieces(bytes: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += sizeBytes) {
    const piece = Buffer.allocUnsafeSlow(Math.min(sizeBytes, bytes.length - at));
    bytes.copy(piece, 0, at);
    yield piece;
  }
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe.each([
  ['pieces that are kept', undefined],
  ['pieces whose memory is taken back at once', release],
])('%s', (_, usedUp) => {
  test.each([7_919, 2 ** 20])('come out as they went in, %i bytes at a time', async (sizeBytes) => {
    const stored = await collect(compressed(inPieces(BYTES, sizeBytes), 1));
    expect((await collect(decompressed(inPieces(stored, sizeBytes), usedUp))).equals(BYTES)).toBe(true);
  });

  test('that are damaged or cut short say so', async () => {
    const stored = await collect(compressed(inPieces(BYTES, 50_000), 1));
    const flipped = Buffer.from(stored);
    flipped[stored.length >> 1] = (flipped[stored.length >> 1] ?? 0) ^ 4;
    for (const bytes of [flipped, stored.subarray(0, -1), stored.subarray(0, stored.length / 2)]) {
      const failure: unknown = await collect(decompressed(inPieces(bytes, 10_000), usedUp)).catch((error) => error);
      expect(isDamaged(failure)).toBe(true);
    }
  });
});

test('each piece is said to be used up once, and only then is its memory taken', async () => {
  const stored = zstdCompressSync(BYTES);
  const told: Buffer[] = [];
  const given: Buffer[] = [];
  const source = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of inPieces(stored, 50_000)) {
      given.push(piece);
      yield piece;
    }
  };
  await collect(decompressed(source(), (piece) => told.push(piece)));
  expect(told).toEqual(given);
});

test('a reader that has enough ends its source', async () => {
  const stored = zstdCompressSync(BYTES);
  let isClosed = false;
  const source = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const piece of inPieces(stored, 1_000)) yield piece;
    } finally {
      isClosed = true;
    }
  };
  for await (const piece of decompressed(source())) if (piece.length > 0) break;
  await expect.poll(() => isClosed).toBe(true);
});

test('what the source throws comes out at the other end', async () => {
  const source = async function* (): AsyncGenerator<Buffer> {
    yield zstdCompressSync(BYTES).subarray(0, 5_000);
    throw new Error('the disk is gone');
  };
  await expect(collect(decompressed(source()))).rejects.toThrow('the disk is gone');
});

test('a codec that is given up in the middle of a piece keeps the memory of it', async () => {
  const script = join(import.meta.dirname, '../support/given-up.ts');
  const { status, signal } = spawnSync(process.execPath, [script], { stdio: 'ignore' });
  expect({ status, signal }).toEqual({ status: 0, signal: null });
});
