import { decodeName } from './table-name.ts';

/** One table whose rows the archive holds. */
export interface TableData {
  /** The number that its data blocks carry. */
  readonly dumpId: number;
  /** The table's oid in the database that was dumped. */
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** The statement that loads it, each byte as one character; it may name another table, such as the root of its partitions. */
  readonly copyStatement: string;
}

/** One object that the archive brings back. */
export interface ArchivedObject {
  /** The number by which pg_restore's lists and other entries name it. */
  readonly id: number;
  /** Ids of what must be there before it. */
  readonly dependencies: readonly number[];
  /** As pg_dump calls it: `TABLE`, `EXTENSION`, `SEQUENCE SET`, `ACL`. */
  readonly kind: string;
  /** Empty where the object lies in no schema. */
  readonly schema: string;
  readonly name: string;
  /** The statements that make it; empty for data. */
  readonly definition: string;
  /** Empty where it has none. */
  readonly owner: string;
}

/** The head of a custom-format archive of pg_dump: everything before the data blocks. */
export interface ArchiveHeader {
  readonly intSize: number;
  readonly objects: readonly ArchivedObject[];
  readonly tables: readonly TableData[];
  /** Where the first data block starts. */
  readonly dataOffset: number;
}

/** The archive is not in the form that maint reads by itself; pg_restore may still read it. */
export class ForeignArchive extends Error {}

/** More bytes are needed than are there yet. */
class TooShort extends Error {}

/** Newest minor version of the archive format 1.x that is known: 14 is written by pg_dump 12 to 15, 15 by 16, 16 by 17 and 18. */
const OLDEST_MINOR = 14;
const NEWEST_MINOR = 16;
const CUSTOM_FORMAT = 1;
const HAD_DATA = 1;

/**
 * Reads the head of an archive made by `pg_dump --format=custom --compress=0`.
 * @param bytes the archive from its first byte on
 * @returns undefined when the head goes on beyond these bytes
 * @throws ForeignArchive when it is no such archive, or of an unknown version
 * @see https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc)
 */
export function readArchiveHeader(bytes: Buffer): ArchiveHeader | undefined {
  try {
    return readHeader(new Cursor(bytes));
  } catch (error) {
    if (error instanceof TooShort) return undefined;
    throw error;
  }
}

function readHeader(cursor: Cursor): ArchiveHeader {
  if (cursor.text(5) !== 'PGDMP') throw new ForeignArchive('it does not start with PGDMP');
  const [major, minor] = [cursor.byte(), cursor.byte()];
  cursor.skip(1);
  if (major !== 1 || minor < OLDEST_MINOR || minor > NEWEST_MINOR)
    throw new ForeignArchive(`archive version ${major}.${minor} is unknown`);
  cursor.intSize = cursor.byte();
  const offsetSize = cursor.byte();
  if (cursor.byte() !== CUSTOM_FORMAT) throw new ForeignArchive('it is not in custom format');
  const compression = minor >= 15 ? cursor.byte() : cursor.int();
  if (compression !== 0) throw new ForeignArchive('it is compressed inside');
  for (let field = 0; field < 7; field += 1) cursor.int(); // creation time, as in struct tm
  for (let field = 0; field < 3; field += 1) cursor.string(); // database, server version, pg_dump version
  const entries = Array.from({ length: cursor.int() }, () => readEntry(cursor, minor, offsetSize));
  return {
    intSize: cursor.intSize,
    objects: entries.map(({ object }) => object),
    tables: entries.flatMap(({ table }) => table ?? []),
    dataOffset: cursor.position,
  };
}

interface Entry {
  readonly object: ArchivedObject;
  /** Where the entry stands for rows. */
  readonly table: TableData | undefined;
}

function readEntry(cursor: Cursor, minor: number, offsetSize: number): Entry {
  const dumpId = cursor.int();
  const hasData = cursor.int() === HAD_DATA;
  cursor.string(); // oid of the catalogue
  const oid = cursor.string() ?? '';
  const name = decodeName(cursor.string() ?? '');
  const kind = cursor.string() ?? '';
  cursor.int(); // section
  const definition = decodeName(cursor.string() ?? '');
  cursor.string(); // drop statement
  const copyStatement = cursor.string();
  const schema = decodeName(cursor.string() ?? '');
  cursor.string(); // tablespace
  cursor.string(); // table access method
  if (minor >= 16) cursor.int(); // kind of relation
  const owner = decodeName(cursor.string() ?? '');
  cursor.string(); // "with oids", always false
  const dependencies: number[] = [];
  for (let text = cursor.string(); text !== undefined; text = cursor.string()) dependencies.push(Number(text));
  cursor.skip(1 + offsetSize); // where its data is; unknown in a stream
  const isTable = hasData && kind === 'TABLE DATA';
  return {
    object: { id: dumpId, dependencies, kind, schema, name, definition, owner },
    table: isTable ? { dumpId, oid, schema, name, copyStatement: copyStatement ?? '' } : undefined,
  };
}

/** Steps through bytes that may end too early. */
class Cursor {
  readonly #bytes: Buffer;
  position = 0;
  intSize = 4;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(count: number): void {
    this.position += count;
    if (this.position > this.#bytes.length) throw new TooShort();
  }

  byte(): number {
    this.skip(1);
    return this.#bytes[this.position - 1] ?? 0;
  }

  text(count: number): string {
    this.skip(count);
    return this.#bytes.toString('latin1', this.position - count, this.position);
  }

  /** A sign byte, then the absolute value, least significant byte first. */
  int(): number {
    const isNegative = this.byte() !== 0;
    this.skip(this.intSize);
    const value = this.#bytes.readUIntLE(this.position - this.intSize, this.intSize);
    return isNegative ? -value : value;
  }

  /** Its length, then its bytes, each as one character; a negative length stands for none. */
  string(): string | undefined {
    const length = this.int();
    return length < 0 ? undefined : this.text(length);
  }
}
