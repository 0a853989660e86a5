import { ForeignArchive, readArchiveHeader, type ArchiveHeader, type TableData } from './archive-header.ts';

/** A table of the archive with the rows that were found in its data blocks. */
export interface CountedTable extends TableData {
  readonly rows: number;
  /** Of its data as COPY writes it. */
  readonly bytes: number;
}

/** The archive ended too early, or what stands in it makes no sense. */
export class BrokenArchive extends Error {}

const TABLE_BLOCK = 1;
const LARGE_OBJECTS_BLOCK = 3;
const NEWLINE = 10;
/** The head is tried again each time twice as much of it has come. */
const FIRST_TRY_BYTES = 64 * 2 ** 10;
/** What pg_dump writes behind the last row, as one number: `\.` and three line breaks, which are no rows. */
const END_MARK = 0x5c_2e_0a_0a_0a;
const END_MARK_BYTES = 5;
const END_MARK_NEWLINES = 3;
/** Below this length a loop in JavaScript is faster than a call into C++. */
const SHORT_BYTES = 48;

/** What the next bytes outside data are. */
type Expected = 'block' | 'object' | 'length';

/**
 * Counts the rows of every table in a custom-format archive as it streams by: `pg_dump --format=custom --compress=0`.
 * Data is kept as COPY writes it, where a line break inside a value is written as `\n`, so each line is one row.
 * @see https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_backup_custom.c (the layout of data blocks)
 */
export class ArchiveRows {
  #head: Buffer[] = [];
  #headBytes = 0;
  #nextTry = FIRST_TRY_BYTES;
  #header: ArchiveHeader | undefined;

  readonly #found = new Map<number, Pick<CountedTable, 'rows' | 'bytes'>>();
  /** A few bytes of a block's head that ended with a chunk. */
  readonly #scratch = Buffer.alloc(16);
  #scratchBytes = 0;
  #expected: Expected = 'block';
  /** The table whose data goes by; undefined in large objects. */
  #table: number | undefined;
  #tableRows = 0;
  #tableBytes = 0;
  /** The last bytes of its data, as one number, unless they end at `#tailEnd`. */
  #tail = 0;
  /** Where long data ended in the chunk at hand: its last bytes become a number only when it turns out to be the last. */
  #tailEnd = -1;
  /** Bytes of the current piece of data that are still to come. */
  #left = 0;

  /**
   * Takes the next bytes of the archive.
   * @throws ForeignArchive, BrokenArchive
   */
  push(chunk: Buffer): void {
    if (this.#header !== undefined) return this.#read(chunk, this.#header.intSize);
    this.#head.push(chunk);
    this.#headBytes += chunk.length;
    if (this.#headBytes >= this.#nextTry) this.#tryHeader();
  }

  /** Everything that the archive brings back; empty before its head has gone by. */
  get objects(): ArchiveHeader['objects'] {
    return this.#header?.objects ?? [];
  }

  /** Has the head of the archive gone by? From then on no byte that was pushed is kept. */
  get isInData(): boolean {
    return this.#header !== undefined;
  }

  /**
   * Call it after the last byte.
   * @throws ForeignArchive, or BrokenArchive when the archive is not whole
   */
  finish(): readonly CountedTable[] {
    if (this.#header === undefined) this.#tryHeader();
    if (this.#header === undefined) throw new BrokenArchive('the archive ends within its table of contents');
    if (this.#expected !== 'block' || this.#scratchBytes > 0 || this.#left > 0)
      throw new BrokenArchive('the archive ends within its data');
    return this.#header.tables.map((table) => {
      const found = this.#found.get(table.dumpId);
      if (found === undefined)
        throw new BrokenArchive(`the archive has no data of table ${table.schema}.${table.name}`);
      return { ...table, ...found };
    });
  }

  #tryHeader(): void {
    const bytes = Buffer.concat(this.#head);
    this.#header = readArchiveHeader(bytes);
    this.#nextTry = bytes.length * 2;
    this.#head = this.#header === undefined ? [bytes] : [];
    if (this.#header !== undefined) this.#read(bytes.subarray(this.#header.dataOffset), this.#header.intSize);
  }

  #read(chunk: Buffer, intSize: number): void {
    let at = 0;
    let newline = -1;
    while (at < chunk.length) {
      if (this.#left === 0) {
        at = this.#readFixed(chunk, at, intSize);
        continue;
      }
      const end = Math.min(at + this.#left, chunk.length);
      this.#left -= end - at;
      if (this.#table !== undefined) {
        this.#tableBytes += end - at;
        newline = this.#countRows(chunk, at, end, newline);
        this.#keepTail(chunk, at, end);
      }
      at = end;
    }
    this.#settleTail(chunk);
  }

  /**
   * @param known a line break at or behind `from`, if one was found before; rows longer than a block are so searched once
   * @returns where the search stands
   */
  #countRows(chunk: Buffer, from: number, to: number, known: number): number {
    if (to - from < SHORT_BYTES) {
      for (let at = from; at < to; at += 1) if (chunk[at] === NEWLINE) this.#tableRows += 1;
      return known;
    }
    let newline = known < from ? nextNewline(chunk, from) : known;
    while (newline < to) {
      this.#tableRows += 1;
      if (newline === to - 1) return newline;
      newline = nextNewline(chunk, newline + 1);
    }
    return newline;
  }

  #keepTail(chunk: Buffer, from: number, to: number): void {
    if (to - from >= END_MARK_BYTES) {
      this.#tailEnd = to;
      return;
    }
    this.#settleTail(chunk);
    for (let at = from; at < to; at += 1) this.#tail = (this.#tail % 2 ** 32) * 256 + (chunk[at] ?? 0);
  }

  #settleTail(chunk: Buffer): void {
    if (this.#tailEnd < 0) return;
    this.#tail = chunk.readUIntBE(this.#tailEnd - END_MARK_BYTES, END_MARK_BYTES);
    this.#tailEnd = -1;
  }

  /** Reads what stands between pieces of data: it has a fixed size, and may be cut by the end of a chunk. */
  #readFixed(chunk: Buffer, at: number, intSize: number): number {
    const size = (this.#expected === 'block' ? 2 : 1) + intSize;
    if (this.#scratchBytes === 0 && at + size <= chunk.length) {
      this.#interpret(chunk, at, intSize);
      return at + size;
    }
    const taken = Math.min(size - this.#scratchBytes, chunk.length - at);
    chunk.copy(this.#scratch, this.#scratchBytes, at, at + taken);
    this.#scratchBytes += taken;
    if (this.#scratchBytes === size) {
      this.#scratchBytes = 0;
      this.#interpret(this.#scratch, 0, intSize);
    }
    return at + taken;
  }

  #interpret(bytes: Buffer, at: number, intSize: number): void {
    if (this.#expected === 'block') return this.#startBlock(bytes[at], readInt(bytes, at + 1, intSize));
    const value = readInt(bytes, at, intSize);
    if (this.#expected === 'object') {
      this.#expected = value === 0 ? 'block' : 'length';
      return;
    }
    if (value < 0) throw new BrokenArchive('a block of data has a negative length');
    this.#left = value;
    if (value > 0) return;
    this.#settleTail(bytes);
    this.#endData();
  }

  #startBlock(kind: number | undefined, dumpId: number): void {
    if (kind !== TABLE_BLOCK && kind !== LARGE_OBJECTS_BLOCK)
      throw new BrokenArchive(`unknown kind of data block ${kind ?? '?'}`);
    this.#table = kind === TABLE_BLOCK ? dumpId : undefined;
    this.#tableRows = 0;
    this.#tableBytes = 0;
    this.#tail = 0;
    this.#expected = kind === TABLE_BLOCK ? 'length' : 'object';
  }

  #endData(): void {
    if (this.#table !== undefined) {
      if (this.#tail !== END_MARK) throw new ForeignArchive('the data of a table has no end mark');
      const rows = this.#tableRows - END_MARK_NEWLINES;
      this.#found.set(this.#table, { rows, bytes: this.#tableBytes - END_MARK_BYTES });
    }
    this.#expected = this.#table === undefined ? 'object' : 'block';
  }
}

function nextNewline(chunk: Buffer, from: number): number {
  const found = chunk.indexOf(NEWLINE, from);
  return found < 0 ? chunk.length : found;
}

function readInt(bytes: Buffer, at: number, intSize: number): number {
  const value =
    intSize === 4
      ? (bytes[at + 1] ?? 0) +
        (bytes[at + 2] ?? 0) * 0x1_00 +
        (bytes[at + 3] ?? 0) * 0x1_00_00 +
        (bytes[at + 4] ?? 0) * 0x1_00_00_00
      : bytes.readUIntLE(at + 1, intSize);
  return bytes[at] === 0 ? value : -value;
}
