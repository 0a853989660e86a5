/**
 * Gives the memory of a piece back at once, instead of whenever the garbage collector comes by: gigabytes stream through
 * here, and collecting what is thrown away would take as long as counting it. The piece must never be looked at again.
 * One that shares its memory with others is left alone.
 */
export function release(piece: Buffer): void {
  const { buffer } = piece;
  const isAlone = piece.length === buffer.byteLength || alone.has(buffer);
  if (buffer instanceof ArrayBuffer && isAlone) buffer.transfer(0);
}

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
