import type { Readable } from 'node:stream';

/** So many pieces wait for their reader at most. */
const AHEAD_PIECES = 4;

/**
 * Takes each piece out of a stream as it comes, so that whoever makes them works on the next while the reader still
 * looks at this one: the iterator of a stream stops its source in between.
 * @throws the error of the stream, once all that came before it was read
 */
export async function* piecesOf(stream: Readable): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  const failures: unknown[] = [];
  let hasEnded = stream.closed;
  let wake = Promise.withResolvers<void>();
  stream.on('data', (piece: Buffer) => {
    waiting.push(piece);
    if (waiting.length >= AHEAD_PIECES) stream.pause();
    wake.resolve();
  });
  stream.on('error', (error) => failures.push(error));
  stream.on('close', () => {
    hasEnded = true;
    wake.resolve();
  });
  try {
    for (;;) {
      const piece = waiting.shift();
      if (waiting.length === AHEAD_PIECES / 2) stream.resume();
      if (piece !== undefined) yield piece;
      else if (!hasEnded) {
        wake = Promise.withResolvers();
        stream.resume();
        await wake.promise;
      } else if (failures.length > 0) throw failures[0];
      else return;
    }
  } finally {
    stream.destroy();
  }
}
