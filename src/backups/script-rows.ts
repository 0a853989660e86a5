import { parseCopy } from './table-name.ts';

const NEWLINE = 10;
const BACKSLASH = 92;
const DOT = 46;
const END_MARK_BYTES = 3;
const COPY_START = Buffer.from('COPY ');
const COPY_END = ' FROM stdin;\n';

/** The script that pg_restore wrote ended too early. */
export class BrokenScript extends Error {}

/**
 * Counts the rows that each COPY of a script loads, as the script streams by: the output of
 * `pg_restore --data-only --file=-`. Chunks are searched as bytes; no row becomes a string.
 */
export class ScriptRows {
  readonly #rows = new Map<string, number>();
  #rest: Buffer = Buffer.alloc(0);
  /** The table whose rows go by; undefined between tables. */
  #table: string | undefined;
  #tableRows = 0;
  #isInsideRow = false;

  /** Takes the next bytes of the script. */
  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let before = -1;
    while (at < bytes.length && at !== before) {
      before = at;
      at = this.#table === undefined ? this.#readStatements(bytes, at) : this.#readRows(bytes, at);
    }
    // Copied, for a part would keep the whole chunk alive.
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /**
   * Call it after the last byte.
   * @returns rows per table; where several COPY load one table, their sum
   * @throws BrokenScript when the script ends within a table
   */
  finish(): ReadonlyMap<string, number> {
    if (this.#table !== undefined) throw new BrokenScript(`the script ends within the rows of ${this.#table}`);
    return this.#rows;
  }

  /** Goes on to the first row of the next table. */
  #readStatements(bytes: Buffer, from: number): number {
    let at = from;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) return at;
      if (bytes.compare(COPY_START, 0, COPY_START.length, at, Math.min(at + COPY_START.length, bytes.length)) === 0) {
        const copy = readCopy(bytes, at);
        if (copy === undefined) return at;
        this.#table = copy.table;
        this.#tableRows = 0;
        return at + copy.length;
      }
      at = end + 1;
    }
  }

  /** Goes on behind the mark that ends the table, or to the end of the bytes. */
  #readRows(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      if (!this.#isInsideRow && bytes[at] === BACKSLASH) {
        if (at + END_MARK_BYTES > bytes.length) return at;
        if (bytes[at + 1] === DOT && bytes[at + 2] === NEWLINE) return this.#endTable(at + END_MARK_BYTES);
      }
      const end = bytes.indexOf(NEWLINE, at);
      this.#isInsideRow = end < 0;
      if (end < 0) return bytes.length;
      this.#tableRows += 1;
      at = end + 1;
    }
    return at;
  }

  #endTable(at: number): number {
    const table = this.#table ?? '';
    this.#rows.set(table, (this.#rows.get(table) ?? 0) + this.#tableRows);
    this.#table = undefined;
    return at;
  }
}

/** A quoted name may itself hold what looks like the statement's end, so each end is tried. */
function readCopy(bytes: Buffer, at: number): ReturnType<typeof parseCopy> {
  for (let end = bytes.indexOf(COPY_END, at); end >= 0; end = bytes.indexOf(COPY_END, end + 1)) {
    const copy = parseCopy(bytes.toString('latin1', at, end + COPY_END.length));
    if (copy !== undefined) return copy;
  }
  return undefined;
}
