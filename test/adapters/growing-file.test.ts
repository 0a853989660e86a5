import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { GrowingFile } from '../../src/adapters/growing-file.ts';
import { compressed, decompressed, isDamaged } from '../../src/adapters/zstd.ts';

const test = base.extend<{ path: string }>({
  // oxlint-disable-next-line no-empty-pattern
  path: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'maint-growing-'));
    await use(join(folder, 'file'));
    await rm(folder, { recursive: true });
  },
});

test('a reader that follows gets exactly what was written, in order', async ({ path }) => {
  await using file = await GrowingFile.create(path);
  const read = (async () => {
    const hash = createHash('sha256');
    for await (const piece of file.follow(new AbortController().signal)) hash.update(piece);
    return hash.digest('hex');
  })();
  for (let round = 0; round < 40; round += 1)
    await file.append([randomBytes(70_000), randomBytes(1), randomBytes(round * 3_001)]);
  await file.finish();
  expect(await read).toBe(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  );
  expect(file.size).toBe((await stat(path)).size);
});

test('a reader that waits ends when it is told to', async ({ path }) => {
  await using file = await GrowingFile.create(path);
  const controller = new AbortController();
  const reading = file.follow(controller.signal).next();
  controller.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
});

test('an existing file is never written over', async ({ path }) => {
  await using file = await GrowingFile.create(path);
  await file.finish();
  await expect(GrowingFile.create(path)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
});

test('what is compressed comes back, and what is damaged does not', async () => {
  const source = async function* (): AsyncGenerator<Buffer> {
    for (let piece = 0; piece < 30; piece += 1) yield Buffer.alloc(100_000, `piece ${piece} `);
  };
  const packed = await whole(compressed(source(), 3));
  expect(await whole(decompressed(only(packed)))).toEqual(await whole(source()));
  await expect(whole(decompressed(only(packed.subarray(0, -9))))).rejects.toSatisfy(isDamaged);
  const flipped = Buffer.from(packed);
  flipped[200] = (flipped[200] ?? 0) ^ 4;
  await expect(whole(decompressed(only(flipped)))).rejects.toSatisfy(isDamaged);
});

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function whole(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}
