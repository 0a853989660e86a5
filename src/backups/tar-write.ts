import { beginningOf } from '../adapters/memory.ts';
import { TAR_BLOCK, type TarEntry, type TarFormat } from '../adapters/tar-format.ts';

/** Two empty blocks end an archive; tar programs round up to this, in bytes. */
const TAR_RECORD = 10_240;
/** Small files are gathered to pieces of this size. */
const PIECE_BYTES = 2 ** 20;
/** A head with names of any length, and the padding of the file before. */
const HEAD_BYTES = 32 * 2 ** 10;

/** Gathers the bytes of an archive to pieces, into which small files are read without a copy in between. */
export class TarPieces {
  /** Files up to this size go in whole, in bytes. */
  static readonly largestFile = 64 * 2 ** 10;
  readonly #format: TarFormat;
  #piece = new ArrayBuffer(PIECE_BYTES);
  #bytes = Buffer.from(this.#piece);
  #used = 0;
  #taken = 0;

  constructor(format: TarFormat) {
    this.#format = format;
  }

  /** Is it time to take the piece? Until it is, any small entry fits in. */
  get isFull(): boolean {
    return this.#used > PIECE_BYTES - TarPieces.largestFile - HEAD_BYTES;
  }

  /** What stands before the bytes of an entry. */
  head(entry: TarEntry): void {
    this.#used += this.#format.encode(entry, this.#bytes, this.#used);
  }

  /** Room for a small file, full of zeros, with what stands behind it. */
  room(bytes: number): Buffer {
    const room = this.#bytes.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    this.padding(bytes);
    return room;
  }

  /** What stands behind so many bytes of a file, up to the next block. */
  padding(bytes: number): void {
    this.#used += toNext(TAR_BLOCK, bytes);
  }

  /** Counts bytes of a large file, which go past the pieces. */
  pass(bytes: number): void {
    this.#taken += bytes;
  }

  /** What ends the archive. */
  end(): void {
    const least = 2 * TAR_BLOCK;
    this.#used += least + toNext(TAR_RECORD, this.#taken + this.#used + least);
  }

  /** Hands out what was gathered, which may be nothing. */
  take(): Buffer {
    const piece = beginningOf(this.#piece, this.#used);
    this.#taken += this.#used;
    this.#piece = new ArrayBuffer(PIECE_BYTES);
    this.#bytes = Buffer.from(this.#piece);
    this.#used = 0;
    return piece;
  }
}

function toNext(unit: number, bytes: number): number {
  return (unit - (bytes % unit)) % unit;
}
