import type { Transform } from 'node:stream';
import { piecesOf } from './pieces.ts';
import { writePiece, type UsedUp } from './write-piece.ts';

/**
 * Sends bytes through a compressor or decompressor of `node:zlib`.
 * @param usedUp as in `decompressed` of zstd.ts
 * @throws what the source throws, or what the codec says of its input
 */
export async function* throughCodec(
  source: AsyncIterable<Buffer>,
  codec: Transform,
  usedUp?: UsedUp,
): AsyncGenerator<Buffer> {
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
    let earlier = previous;
    for await (const piece of source) {
      await earlier;
      earlier = previous;
      previous = writePiece(codec, piece, usedUp);
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

/** The failure is thrown once the consumer has come to it. */
function ignoreForNow(): void {}
