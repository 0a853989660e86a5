import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { throughCodec } from './codec.ts';
import type { UsedUp } from './write-piece.ts';

/** Large pieces keep the number of turns through the event loop low. */
const CHUNK_BYTES = 512 * 2 ** 10;
/** Decompressing, a thread of its own waits for its next turn through the event loop with each piece; these cost memory. */
export const WIDE_CHUNK_BYTES = 4 * 2 ** 20;

/**
 * Decompresses zstd with the library that Node.js brings. Content checksums are checked on the way.
 * @param usedUp where given, the next piece is asked for while the codec still reads the one before, and this is told
 *   when it has; where not, each piece is used up when the next is asked for
 * @param chunkSize of the pieces that come out, in bytes
 * @throws when the bytes are no zstd, are damaged, or end too early: see `isDamaged`
 */
export function decompressed(
  source: AsyncIterable<Buffer>,
  usedUp?: UsedUp,
  chunkSize = CHUNK_BYTES,
): AsyncIterable<Buffer> {
  return throughCodec(source, createZstdDecompress({ chunkSize }), usedUp);
}

/**
 * Compresses to zstd with the library that Node.js brings, in one thread: slower than the program, same format.
 * @param level 1 to 19
 * @param usedUp as in `decompressed`
 */
export function compressed(source: AsyncIterable<Buffer>, level: number, usedUp?: UsedUp): AsyncIterable<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return throughCodec(source, createZstdCompress({ chunkSize: CHUNK_BYTES, params }), usedUp);
}

/** Was it the compressed bytes that are at fault? */
export function isDamaged(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ZSTD_|Z_)/.test(String(error.code));
}
