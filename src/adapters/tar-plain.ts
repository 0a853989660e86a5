import type { EntryFacts } from './file-tree.ts';

/**
 * Headers as nearly every entry has them: a short name, small numbers. Each file of an archive is written and read back
 * through them, and the library takes as long for two of them as reading a small file from the disk does, so these are
 * done by hand, and everything else is left to it.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 (ustar interchange format)
 */

/** Where each field begins, and how long it is, in bytes. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
} as const;
const BLOCK_BYTES = 512;
const MAGIC = Buffer.from('ustar\u{0}00', 'latin1');
const ZERO = 0x30;
const SPACE = 0x20;
/** The checksum counts as so many spaces. */
const BLANK_CHECKSUM = 8 * SPACE;

/**
 * Writes the header of a file.
 * @param room full of zeros from `at` on
 * @returns false, with nothing written, where it does not fit into a plain one
 */
export function encodePlainFile(
  { path, mode, uid, gid, size, modifiedAt }: EntryFacts & { readonly path: string },
  room: Buffer,
  at: number,
): boolean {
  const seconds = Math.floor(modifiedAt.getTime() / 1_000) || 0;
  const [, nameBytes] = FIELDS.name;
  const isPlain =
    path.length <= nameBytes &&
    Buffer.byteLength(path) <= nameBytes &&
    fits(FIELDS.mode, mode) &&
    fits(FIELDS.uid, uid) &&
    fits(FIELDS.gid, gid) &&
    fits(FIELDS.size, size) &&
    fits(FIELDS.mtime, seconds);
  if (!isPlain) return false;
  // The sum is taken on the way: looking through the block again would take longer than writing it.
  let sum = BLANK_CHECKSUM + ZERO + MAGIC_SUM + sumOf(room, at, at + room.write(path, at));
  sum += writeField(room, at, FIELDS.mode, mode);
  sum += writeField(room, at, FIELDS.uid, uid);
  sum += writeField(room, at, FIELDS.gid, gid);
  sum += writeField(room, at, FIELDS.size, size);
  sum += writeField(room, at, FIELDS.mtime, seconds);
  room[at + FIELDS.type[0]] = ZERO;
  room.set(MAGIC, at + FIELDS.magic[0]);
  const [start, length] = FIELDS.checksum;
  writeOctal(room, at + start + length - 3, length - 2, sum);
  room[at + start + length - 1] = SPACE;
  return true;
}

type Field = readonly [start: number, length: number];

function fits([, length]: Field, value: number): boolean {
  return value >= 0 && value < 8 ** (length - 1);
}

/** @returns the sum of the bytes that it wrote */
function writeField(room: Buffer, at: number, [start, length]: Field, value: number): number {
  return writeOctal(room, at + start + length - 2, length - 1, value);
}

/**
 * Reads the size from the header of a file.
 * @returns undefined where it is no plain one, or damaged
 */
export function decodePlainFile(block: Buffer): number | undefined {
  const [type] = FIELDS.type;
  if (block[type] !== ZERO) return undefined;
  const [start, length] = FIELDS.checksum;
  const stated = readOctal(block, start, length);
  const found = sumOf(block, 0, start) + BLANK_CHECKSUM + sumOf(block, start + length, BLOCK_BYTES);
  return stated === found ? readOctal(block, ...FIELDS.size) : undefined;
}

const MAGIC_SUM = sumOf(MAGIC, 0, MAGIC.length);

function sumOf(bytes: Buffer, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += bytes[at] ?? 0;
  return sum;
}

/**
 * @param last where the last digit goes
 * @returns the sum of the bytes that it wrote
 */
function writeOctal(room: Buffer, last: number, digits: number, value: number): number {
  let rest = value;
  let sum = digits * ZERO;
  for (let at = last; at > last - digits; at -= 1) {
    const digit = rest % 8;
    room[at] = ZERO + digit;
    sum += digit;
    rest = (rest - digit) / 8;
  }
  return sum;
}

/** Digits, then spaces or zero bytes. @returns undefined where anything else stands there */
function readOctal(bytes: Buffer, start: number, length: number): number | undefined {
  let value = 0;
  let at = start;
  for (; at < start + length; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  const isEnded = at > start && (at === start + length || bytes[at] === 0 || bytes[at] === SPACE);
  return isEnded ? value : undefined;
}
