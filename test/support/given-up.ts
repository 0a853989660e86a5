/**
 * Gives a codec up while its thread reads a piece whose memory is to be given back, five times. The piece is so large that
 * its memory goes back to the system at once, where reading on ends the process.
 */
import { randomBytes } from 'node:crypto';
import { compressed, decompressed } from '../../src/adapters/zstd.ts';
import { release } from '../../src/adapters/memory.ts';

const PIECE_BYTES = 40 * 2 ** 20;
/** Decompressed in one go, which takes longer than giving up. */
const CHUNK_BYTES = 8 * 2 ** 20;
/** Half of each byte says nothing, so that there is something to do. */
const text = Buffer.from(randomBytes(PIECE_BYTES).toString('hex'), 'latin1');
const pieces: Buffer[] = [];
for await (const piece of compressed(one(text), 1)) pieces.push(piece);
const whole = Buffer.concat(pieces);
for (let time = 0; time < 5; time += 1) {
  for await (const piece of decompressed(one(Buffer.from(whole)), release, CHUNK_BYTES)) {
    if (piece.length > 0) break;
  }
}
console.log('alive');

async function* one(piece: Buffer): AsyncGenerator<Buffer> {
  yield piece;
}
