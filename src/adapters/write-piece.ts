import type { Writable } from 'node:stream';

/** Told of a piece that nobody needs any more. */
export type UsedUp = (piece: Buffer) => void;

/**
 * Waits until a stream has taken a piece, or is given up in the middle of it. Then it never calls back, and whoever waited
 * for it would keep the source open for ever; but a thread of it may still read the piece, whose memory must be left to the
 * garbage collector.
 * @param usedUp told when the stream itself has said that it took the piece
 * @throws what the stream says of the piece
 */
export async function writePiece(stream: Writable, piece: Buffer, usedUp?: UsedUp): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.once('close', resolve);
    stream.write(piece, (error) => {
      stream.off('close', resolve);
      if (error) return reject(error);
      usedUp?.(piece);
      resolve();
    });
  });
}
