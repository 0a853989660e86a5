import type { Transform } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';

/** Large pieces keep the number of turns through the event loop low. */
const CHUNK_BYTES = 256 * 2 ** 10;

/**
 * Decompresses zstd with the library that Node.js brings. Content checksums are checked on the way.
 * @throws when the bytes are no zstd, are damaged, or end too early: see `isDamaged`
 */
export function decompressed(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return through(source, createZstdDecompress({ chunkSize: CHUNK_BYTES }));
}

/**
 * Compresses to zstd with the library that Node.js brings, in one thread: slower than the program, same format.
 * @param level 1 to 19
 */
export function compressed(source: AsyncIterable<Buffer>, level: number): AsyncIterable<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return through(source, createZstdCompress({ chunkSize: CHUNK_BYTES, params }));
}

/** Was it the compressed bytes that are at fault? */
export function isDamaged(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ZSTD_|Z_)/.test(String(error.code));
}

async function* through(source: AsyncIterable<Buffer>, codec: Transform): AsyncGenerator<Buffer> {
  const fed = feedCodec(source, codec);
  // Said again below, where it can be awaited.
  fed.catch(ignoreForNow);
  try {
    for await (const piece of codec) yield Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
  } finally {
    codec.destroy();
  }
  await fed;
}

/** The next piece is asked for when the codec is done with the one before, so that its giver may release it. */
async function feedCodec(source: AsyncIterable<Buffer>, codec: Transform): Promise<void> {
  try {
    for await (const piece of source) await written(codec, piece);
    codec.end();
  } catch (error) {
    codec.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function written(codec: Transform, piece: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    codec.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}

/** The failure is thrown once the consumer has come to it. */
function ignoreForNow(): void {}
