import type { EntryFacts } from '../adapters/file-tree.ts';

/** One entry of a tar archive. */
export interface TarEntry extends EntryFacts {
  /** Relative, parted by `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Where a link points. */
  readonly target?: string | undefined;
}

/** A tar archive is made of blocks of this size, in bytes. */
export const TAR_BLOCK = 512;
/** Two empty blocks end an archive; tar programs round up to this, in bytes. */
const TAR_RECORD = 10_240;

const TYPES = { file: '0', link: '2', folder: '5' };
const FIELD_LIMIT = 100;
/** What eleven and seven octal digits can say. */
const LARGEST_SIZE = 0o77777777777;
const LARGEST_OWNER = 0o7777777;

/**
 * The blocks that stand before the bytes of an entry: its header, and before that what does not fit into one.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13 (pax and ustar interchange format)
 */
export function tarHeader(entry: TarEntry): Buffer {
  const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
  const target = entry.target ?? '';
  const size = entry.kind === 'file' ? entry.size : 0;
  const records = [
    ...(fits(path) ? [] : [record('path', path)]),
    ...(fits(target) ? [] : [record('linkpath', target)]),
    ...(size <= LARGEST_SIZE ? [] : [record('size', String(size))]),
    ...(entry.uid <= LARGEST_OWNER ? [] : [record('uid', String(entry.uid))]),
    ...(entry.gid <= LARGEST_OWNER ? [] : [record('gid', String(entry.gid))]),
  ];
  const own = header({ ...entry, size, path, target, type: TYPES[entry.kind] });
  if (records.length === 0) return own;
  const extended = Buffer.from(records.join(''));
  const before = header({ ...entry, size: extended.length, path: 'PaxHeader', target: '', type: 'x' });
  return Buffer.concat([before, padded(extended), own]);
}

/** What stands behind so many bytes of a file, up to the next block. */
export function tarPadding(bytes: number): Buffer {
  return Buffer.alloc((TAR_BLOCK - (bytes % TAR_BLOCK)) % TAR_BLOCK);
}

/** What ends an archive of so many bytes. */
export function tarEnd(bytes: number): Buffer {
  const least = bytes + 2 * TAR_BLOCK;
  return Buffer.alloc(2 * TAR_BLOCK + ((TAR_RECORD - (least % TAR_RECORD)) % TAR_RECORD));
}

function fits(text: string): boolean {
  return text.length <= FIELD_LIMIT && /^[\x20-\x7e]*$/.test(text);
}

/** `27 path=some/very/long/name`: the number counts its own digits too. */
function record(name: string, value: string): string {
  const rest = Buffer.byteLength(` ${name}=${value}\n`);
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${name}=${value}\n`;
}

interface Fields extends EntryFacts {
  readonly path: string;
  readonly target: string;
  readonly type: string;
}

function header({ path, mode, uid, gid, size, modifiedAt, type, target }: Fields): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  const seconds = Math.max(0, Math.floor(modifiedAt.getTime() / 1_000));
  // What does not fit stands whole in the records before; a reader that knows none of them gets the beginning.
  block.write(path, 0, FIELD_LIMIT);
  block.write(octal(mode, 7), 100);
  block.write(octal(Math.min(uid, LARGEST_OWNER), 7), 108);
  block.write(octal(Math.min(gid, LARGEST_OWNER), 7), 116);
  block.write(octal(Math.min(size, LARGEST_SIZE), 11), 124);
  block.write(octal(Math.min(seconds, LARGEST_SIZE), 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write(target, 157, FIELD_LIMIT);
  block.write('ustar\0', 257);
  block.write('00', 263);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, tarPadding(bytes.length)]);
}
