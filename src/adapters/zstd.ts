import type { Transform } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { piecesOf } from './pieces.ts';

/** Large pieces keep the number of turns through the event loop low. */
const CHUNK_BYTES = 256 * 2 ** 10;

/** Told of a piece that nobody needs any more. */
type UsedUp = (piece: Buffer) => void;

/**
 * Decompresses zstd with the library that Node.js brings. Content checksums are checked on the way.
 * @param usedUp where given, the next piece is asked for while the codec still reads the one before, and this is told
 *   when it has; where not, each piece is used up when the next is asked for
 * @throws when the bytes are no zstd, are damaged, or end too early: see `isDamaged`
 */
export function decompressed(source: AsyncIterable<Buffer>, usedUp?: UsedUp): AsyncIterable<Buffer> {
  return through(source, createZstdDecompress({ chunkSize: CHUNK_BYTES }), usedUp);
}

/**
 * Compresses to zstd with the library that Node.js brings, in one thread: slower than the program, same format.
 * @param level 1 to 19
 * @param usedUp as in `decompressed`
 */
export function compressed(source: AsyncIterable<Buffer>, level: number, usedUp?: UsedUp): AsyncIterable<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return through(source, createZstdCompress({ chunkSize: CHUNK_BYTES, params }), usedUp);
}

/** Was it the compressed bytes that are at fault? */
export function isDamaged(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ZSTD_|Z_)/.test(String(error.code));
}

async function* through(source: AsyncIterable<Buffer>, codec: Transform, usedUp?: UsedUp): AsyncGenerator<Buffer> {
  const fed = feedCodec(source, codec, usedUp);
  // Said again below, where it can be awaited.
  fed.catch(ignoreForNow);
  try {
    yield* piecesOf(codec);
  } finally {
    codec.destroy();
  }
  await fed;
}

async function feedCodec(source: AsyncIterable<Buffer>, codec: Transform, usedUp?: UsedUp): Promise<void> {
  try {
    let previous = Promise.resolve();
    for await (const piece of source) {
      await previous;
      previous = written(codec, piece).finally(() => usedUp?.(piece));
      // Thrown with the next piece, or at the end.
      previous.catch(ignoreForNow);
      if (usedUp === undefined) await previous;
    }
    await previous;
    codec.end();
  } catch (error) {
    codec.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function written(codec: Transform, piece: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // A codec that breaks in the middle of a piece never calls back, and the source would stay open for ever.
    codec.once('close', resolve);
    codec.write(piece, (error) => {
      codec.off('close', resolve);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** The failure is thrown once the consumer has come to it. */
function ignoreForNow(): void {}
