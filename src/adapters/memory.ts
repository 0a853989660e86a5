/**
 * Gives the memory of a piece back at once, instead of whenever the garbage collector comes by: gigabytes stream through
 * here, and collecting what is thrown away would take as long as counting it. The piece must never be looked at again.
 * One that shares its memory with others is left alone.
 */
export function release(piece: Buffer): void {
  const { buffer } = piece;
  if (buffer instanceof ArrayBuffer && piece.length === buffer.byteLength) buffer.transfer(0);
}
