/**
 * Gives the memory of a piece back at once, instead of whenever the garbage collector comes by: gigabytes stream through
 * here, and collecting what is thrown away would take as long as counting it. Call it once for a piece, which must never be
 * looked at again. Memory that was cut into several pieces goes with the last of them, and small memory, of which Node.js
 * itself hands out parts, not at all.
 */
export function release(piece: Buffer): void {
  const { buffer } = piece;
  if (!(buffer instanceof ArrayBuffer)) return;
  const bytes = (returned.get(buffer) ?? 0) + piece.length;
  if (bytes === buffer.byteLength || alone.has(buffer)) buffer.transfer(0);
  else if (buffer.byteLength >= LARGE_BYTES) returned.set(buffer, bytes);
}

const LARGE_BYTES = 64 * 2 ** 10;
/** How many bytes of memory that was cut into pieces came back so far. */
const returned = new WeakMap<ArrayBufferLike, number>();

/** Memory of which one piece alone is in use. */
const alone = new WeakSet<ArrayBufferLike>();

/**
 * Makes a piece of the beginning of memory that nobody else looks at, so that all of it is given back with the piece. To
 * cut the rest off would be to copy the beginning.
 */
export function beginningOf(memory: ArrayBuffer, bytes: number): Buffer {
  alone.add(memory);
  return Buffer.from(memory, 0, bytes);
}
