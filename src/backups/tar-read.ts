import { TAR_BLOCK, type TarEntry, type TarFormat } from '../adapters/tar-format.ts';

/** What a tar archive was found to hold. */
export interface TarContents {
  readonly files: number;
  /** Of the files in it. */
  readonly bytes: number;
  readonly folders: number;
  readonly links: number;
}

/** Takes what an archive holds, in its order. */
export interface TarVisitor {
  /** A new entry begins; the one before has ended. */
  entry(entry: TarEntry): void;
  /** The next bytes of a file, which must not be kept. */
  bytes(part: Buffer): void;
}

/** The archive ended too early, or what stands in it makes no sense. */
export class BrokenTar extends Error {}

/** So long may the records before an entry be: names are short. */
const RECORDS_LIMIT = 2 ** 20;

/** Counts what a tar archive holds as it streams by, and makes sure of every header. */
export class TarContentsReader {
  readonly #format: TarFormat;
  readonly #counts = { file: 0, folder: 0, link: 0 };
  #bytes = 0;
  /** The beginning of a block that ended with a piece. */
  #rest: Buffer = Buffer.alloc(0);
  readonly #visitor: TarVisitor | undefined;
  /** Bytes of an entry, padding included, that are still to come. */
  #left = 0;
  /** The same without padding, of a file. */
  #content = 0;
  /** Records before an entry, as far as they have come. */
  #records: Buffer | undefined;
  #recordsBytes = 0;
  #emptyBlocks = 0;

  /** @param visitor told of all that is in it; undefined where only counts are asked for */
  constructor(format: TarFormat, visitor?: TarVisitor) {
    this.#format = format;
    this.#visitor = visitor;
  }

  /** Takes the next bytes of the archive, and keeps none of them. @throws BrokenTar */
  push(piece: Buffer): void {
    for (let at = 0; at < piece.length;) {
      const isInside = this.#left > 0;
      const wanted = isInside ? this.#left : TAR_BLOCK - this.#rest.length;
      const part = piece.subarray(at, at + wanted);
      at += part.length;
      if (isInside) this.#skip(part);
      else if (part.length === TAR_BLOCK) this.#block(part);
      else {
        const block = Buffer.concat([this.#rest, part]);
        this.#rest = block.length === TAR_BLOCK ? Buffer.alloc(0) : block;
        if (block.length === TAR_BLOCK) this.#block(block);
      }
    }
  }

  /** Call it after the last byte. @throws BrokenTar when the archive is not whole */
  finish(): TarContents {
    if (this.#emptyBlocks < 2 || this.#left > 0 || this.#rest.length > 0)
      throw new BrokenTar('the archive ends too early');
    const { file: files, folder: folders, link: links } = this.#counts;
    return { files, bytes: this.#bytes, folders, links };
  }

  #skip(part: Buffer): void {
    this.#left -= part.length;
    if (this.#content > 0) {
      this.#visitor?.bytes(part.subarray(0, this.#content));
      this.#content -= Math.min(this.#content, part.length);
    }
    const missing = this.#recordsBytes - (this.#records?.length ?? this.#recordsBytes);
    if (this.#records !== undefined && missing > 0)
      this.#records = Buffer.concat([this.#records, part.subarray(0, missing)]);
  }

  #block(block: Buffer): void {
    const head = this.#format.decode(block, this.#records);
    if (head === undefined) throw new BrokenTar('the header of an entry is damaged');
    const { kind, size } = head;
    if (kind === 'end') {
      this.#emptyBlocks += 1;
      return;
    }
    if (this.#emptyBlocks > 0) throw new BrokenTar('something stands behind the end of the archive');
    if (kind === 'unknown') throw new BrokenTar('the type of an entry is unknown');
    if (kind === 'records' && size > RECORDS_LIMIT) throw new BrokenTar('the records before an entry are too long');
    this.#left = Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
    if (kind !== 'records') this.#begin(kind, size, block);
    this.#records = kind === 'records' ? Buffer.alloc(0) : undefined;
    this.#recordsBytes = size;
  }

  #begin(kind: TarEntry['kind'], size: number, block: Buffer): void {
    this.#counts[kind] += 1;
    if (kind === 'file') this.#bytes += size;
    this.#content = kind === 'file' ? size : 0;
    if (this.#visitor === undefined) return;
    const entry = this.#format.entry(block, this.#records);
    if (entry === undefined) throw new BrokenTar('the header of an entry is damaged');
    this.#visitor.entry(entry);
  }
}
