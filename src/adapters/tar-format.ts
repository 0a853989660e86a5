import type { EntryFacts } from './file-tree.ts';
import { decodePlainFile, encodePlainFile } from './tar-plain.ts';

/** One entry of a tar archive. */
export interface TarEntry extends EntryFacts {
  /** Relative, parted by `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Where a link points. */
  readonly target?: string | undefined;
}

/** What a block at the head of an entry says. */
interface TarHead {
  /** `records` say more about the entry behind them; `end` is a block that is empty. */
  readonly kind: TarEntry['kind'] | 'records' | 'end' | 'unknown';
  /** Bytes behind the block, without padding. */
  readonly size: number;
}

/** A tar archive is made of blocks of this size, in bytes. */
export const TAR_BLOCK = 512;

/** What a header has room for when a name is parted at a slash, in bytes. */
const LONGEST_PATH = 256;
/** Of a name that does not fit; readers that know no records see this. */
const LONG_PATH_SHOWN = 99;

const TYPES = { file: 'File', folder: 'Directory', link: 'SymbolicLink' } as const;
const KINDS: ReadonlyMap<string, TarHead['kind']> = new Map([
  ['File', 'file'],
  ['OldFile', 'file'],
  ['Directory', 'folder'],
  ['SymbolicLink', 'link'],
  ['ExtendedHeader', 'records'],
]);

/** Writes and reads the heads of entries, in the format that POSIX calls pax. */
export interface TarFormat {
  /**
   * Writes the blocks that stand before the bytes of an entry: its header, and before that what does not fit into one.
   * @param room full of zeros from `at` on
   * @returns how many bytes they are
   */
  encode(entry: TarEntry, room: Buffer, at: number): number;
  /**
   * Reads one block.
   * @param records the bytes of the records before it
   * @returns undefined where it is damaged
   */
  decode(block: Buffer, records: Buffer | undefined): TarHead | undefined;
  /** As `decode`, for a block that has turned out to be the header of an entry: all that stands in it. */
  entry(block: Buffer, records: Buffer | undefined): TarEntry | undefined;
}

/**
 * Loads the library.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13 (pax and ustar interchange format)
 */
export async function loadTarFormat(): Promise<TarFormat> {
  const [{ Header }, { Pax }] = await Promise.all([import('tar/header'), import('tar/pax')]);
  return {
    encode: (entry, room, at) => {
      if (entry.kind === 'file' && encodePlainFile(entry, room, at)) return TAR_BLOCK;
      const header = new Header();
      // One by one, which takes a third of the time that the constructor needs for them.
      const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
      const isLong = path.length > LONGEST_PATH;
      // It would try every slash as the place to part a name, even where no place is right.
      header.path = isLong ? path.slice(0, LONG_PATH_SHOWN) : path;
      if (entry.target !== undefined) header.linkpath = entry.target;
      header.mode = entry.mode;
      header.uid = entry.uid;
      header.gid = entry.gid;
      header.size = entry.kind === 'file' ? entry.size : 0;
      // A time that no calendar knows is the first one.
      header.mtime = new Date((Math.floor(entry.modifiedAt.getTime() / 1_000) || 0) * 1_000);
      header.type = TYPES[entry.kind];
      const isWhole = !header.encode(room, at);
      if (isWhole && !isLong) return TAR_BLOCK;
      header.path = path;
      // The size is always among the records, behind the name: the library takes a line break in a name for the end of a
      // record, and what a name pretends to be must not count.
      const records = new Pax(header).encode();
      room.copyWithin(at + records.length, at, at + TAR_BLOCK).set(records, at);
      return records.length + TAR_BLOCK;
    },
    decode: (block, records) => {
      const plainSize = records === undefined ? decodePlainFile(block) : undefined;
      if (plainSize !== undefined) return { kind: 'file', size: plainSize };
      try {
        const { nullBlock, cksumValid, type, size = 0 } = new Header(block);
        if (nullBlock) return { kind: 'end', size: 0 };
        const kind = KINDS.get(type) ?? 'unknown';
        const stated = kind === 'records' || records === undefined ? undefined : recordsIn(records).get('size');
        return cksumValid ? { kind, size: stated === undefined ? size : Number(stated) } : undefined;
      } catch {
        // It throws where a number makes no sense, and reads no more than the block.
        return undefined;
      }
    },
    entry: (block, records) => {
      const { type, path = '', linkpath, mode = 0, uid = 0, gid = 0, size = 0, mtime } = new Header(block);
      const kind = KINDS.get(type);
      if (kind !== 'file' && kind !== 'folder' && kind !== 'link') return undefined;
      const before = recordsIn(records ?? Buffer.alloc(0));
      const number = (name: string, value: number): number => Number(before.get(name) ?? value);
      return {
        kind,
        path: (before.get('path') ?? path).replace(/\/$/, ''),
        target: kind === 'link' ? (before.get('linkpath') ?? linkpath) : undefined,
        mode: mode & 0o7777,
        uid: number('uid', uid),
        gid: number('gid', gid),
        size: kind === 'file' ? number('size', size) : 0,
        modifiedAt: new Date(number('mtime', (mtime?.getTime() ?? 0) / 1_000) * 1_000),
      };
    },
  };
}

/**
 * Takes the records before an entry apart: `LENGTH NAME=VALUE` and a line break each. The library takes every line break
 * for the end of one, and a name may hold some; the length tells.
 * @throws Error where a length makes no sense
 */
function recordsIn(bytes: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(' ', at);
    const length = Number(bytes.toString('latin1', at, space));
    if (space < 0 || !(length > space - at) || at + length > bytes.length) throw new Error('a record has no length');
    const record = bytes.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
