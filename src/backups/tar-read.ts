import { TAR_BLOCK } from './tar-write.ts';

/** What a tar archive was found to hold. */
export interface TarContents {
  readonly files: number;
  /** Of the files in it. */
  readonly bytes: number;
  readonly folders: number;
  readonly links: number;
}

/** The archive ended too early, or what stands in it makes no sense. */
export class BrokenTar extends Error {}

/** So long may the records before an entry be: names are short. */
const RECORDS_LIMIT = 2 ** 20;

/** Counts what a tar archive holds as it streams by, and makes sure of every header. */
export class TarContentsReader {
  #files = 0;
  #bytes = 0;
  #folders = 0;
  #links = 0;
  /** The beginning of a block that ended with a piece. */
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of an entry, padding included, that are still to come. */
  #left = 0;
  /** Records before an entry, while they come. */
  #records: Buffer[] | undefined;
  #recordsBytes = 0;
  /** The size that the records gave, for the entry behind them. */
  #sizeBefore: number | undefined;
  #emptyBlocks = 0;

  /** Takes the next bytes of the archive. @throws BrokenTar */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#left > 0) at = this.#skip(piece, at);
      else if (this.#rest.length === 0 && at + TAR_BLOCK <= piece.length) {
        this.#block(piece.subarray(at, at + TAR_BLOCK));
        at += TAR_BLOCK;
      } else {
        const taken = Math.min(TAR_BLOCK - this.#rest.length, piece.length - at);
        this.#rest = Buffer.concat([this.#rest, piece.subarray(at, at + taken)]);
        at += taken;
        if (this.#rest.length < TAR_BLOCK) return;
        const block = this.#rest;
        this.#rest = Buffer.alloc(0);
        this.#block(block);
      }
    }
  }

  /** Call it after the last byte. @throws BrokenTar when the archive is not whole */
  finish(): TarContents {
    if (this.#emptyBlocks < 2 || this.#left > 0 || this.#rest.length > 0)
      throw new BrokenTar('the archive ends too early');
    return { files: this.#files, bytes: this.#bytes, folders: this.#folders, links: this.#links };
  }

  #skip(piece: Buffer, at: number): number {
    const taken = Math.min(this.#left, piece.length - at);
    this.#left -= taken;
    this.#records?.push(Buffer.from(piece.subarray(at, at + taken)));
    if (this.#left === 0 && this.#records !== undefined) {
      this.#sizeBefore = sizeIn(Buffer.concat(this.#records).subarray(0, this.#recordsBytes));
      this.#records = undefined;
    }
    return at + taken;
  }

  #block(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.#emptyBlocks += 1;
      return;
    }
    if (this.#emptyBlocks > 0) throw new BrokenTar('something stands behind the end of the archive');
    const type = block.toString('latin1', 156, 157);
    const size = type === 'x' ? numberIn(block, 124, 12) : (this.#sizeBefore ?? numberIn(block, 124, 12));
    requireSum(block);
    this.#left = Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
    if (type === 'x') return this.#startRecords(size);
    this.#sizeBefore = undefined;
    if (type === '0') {
      this.#files += 1;
      this.#bytes += size;
    } else if (type === '5') this.#folders += 1;
    else if (type === '2') this.#links += 1;
    else throw new BrokenTar(`unknown type of entry ${JSON.stringify(type)}`);
  }

  #startRecords(size: number): void {
    if (size > RECORDS_LIMIT) throw new BrokenTar('the records before an entry are too long');
    this.#records = [];
    this.#recordsBytes = size;
  }
}

function requireSum(block: Buffer): void {
  const stated = numberIn(block, 148, 8);
  // Its own field counts as blanks.
  const found = block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (stated !== found) throw new BrokenTar('the header of an entry is damaged');
}

function numberIn(block: Buffer, at: number, length: number): number {
  const text = block.toString('latin1', at, at + length).replace(/[\0 ]+$/, '');
  if (!/^[0-7]+$/.test(text)) throw new BrokenTar('the header of an entry is damaged');
  return Number.parseInt(text, 8);
}

/** The size among records such as `21 size=10737418240`. */
function sizeIn(records: Buffer): number | undefined {
  const match = /(?:^|\n)\d+ size=(\d+)\n/.exec(records.toString('latin1'));
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
