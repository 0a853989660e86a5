import { createHash } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  read,
  readSync,
  writeSync,
} from 'node:fs';
import { getuid } from 'node:process';
import { promisify } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';
import { MaintError } from '../base/errors.ts';
import type { AnchoredFolder } from './anchored-folder.ts';
import { throughCodec } from './codec.ts';
import { systemCode, translated } from './files.ts';
import { compressed, decompressed } from './zstd.ts';

/** How a file can be compressed. */
export type Form = 'zstd' | 'gzip';

const PIECE_BYTES = 2 ** 20;
/** A log is compressed once and kept for weeks. */
const ZSTD_LEVEL = 6;
const readPart = promisify(read);

interface Move {
  readonly folder: AnchoredFolder;
  /** Name in the folder. */
  readonly from: string;
  /** Its name until it is whole; nobody has it yet. */
  readonly partial: string;
  /** Its final name; nobody has it yet. */
  readonly to: string;
  readonly signal: AbortSignal;
}

/**
 * Copies a file to another name and empties it, for a program that goes on writing to it and cannot be told otherwise.
 * The copy is whole, flushed and under its final name before the file is emptied. What the program writes between the last
 * look and that moment, some microseconds, is lost: this cannot be done better from outside.
 * @returns bytes moved
 * @throws MaintError FILE_UNUSABLE, NO_SPACE; the signal's reason; the file is then as it was
 */
export async function moveContents(move: Move): Promise<number> {
  const { folder, from, partial, to } = move;
  return translated(`${folder.path}/${from}`, async () => {
    using source = held(folder.openFile(from, 'read-write'));
    using target = held(createLike(source.file, folder, partial));
    try {
      const copied = await copyAll(source.file, target.file, move);
      fsyncSync(target.file);
      const moved = catchUp(source.file, target.file, copied);
      fsyncSync(target.file);
      renamed(folder, partial, to);
      const rest = catchUp(source.file, target.file, moved);
      ftruncateSync(source.file, 0);
      fdatasyncSync(target.file);
      return rest;
    } catch (error) {
      folder.removeFile(partial);
      throw error;
    }
  });
}

/**
 * Writes a compressed copy of a file, reads it back and compares it, and only then gives it its final name. Owner, rights
 * and times are those of the file, which stays.
 * @returns bytes of the copy; undefined where the file was written to meanwhile, and then there is no copy
 * @throws MaintError FILE_UNUSABLE, NO_SPACE; the signal's reason; no copy is left then
 */
export async function compressTo(move: Move, form: Form): Promise<number | undefined> {
  const { folder, from, partial, to, signal } = move;
  return translated(`${folder.path}/${from}`, async () => {
    using source = held(folder.openFile(from, 'read'));
    using target = held(createLike(source.file, folder, partial));
    const before = fstatSync(source.file);
    try {
      const hash = createHash('sha256');
      for await (const piece of compressor(form, hashed(piecesOf(source.file, signal), hash)))
        writeAll(target.file, piece);
      fsyncSync(target.file);
      const whole = await contentsOf(target.file, form, signal);
      const after = fstatSync(source.file);
      if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
        folder.removeFile(partial);
        return undefined;
      }
      if (whole !== hash.digest('hex')) throw new MaintError('FILE_UNUSABLE', `${to} is not what was written to it`);
      futimesSync(target.file, before.atime, before.mtime);
      renamed(folder, partial, to);
      return fstatSync(target.file).size;
    } catch (error) {
      folder.removeFile(partial);
      throw error;
    }
  });
}

/**
 * Does a compressed file hold exactly what another one does?
 * @throws MaintError FILE_UNUSABLE; the signal's reason
 */
export async function holdsSame(
  folder: AnchoredFolder,
  { plain, packed, form }: { readonly plain: string; readonly packed: string; readonly form: Form },
  signal: AbortSignal,
): Promise<boolean> {
  return translated(`${folder.path}/${packed}`, async () => {
    using one = held(folder.openFile(plain, 'read'));
    using other = held(folder.openFile(packed, 'read'));
    const hash = createHash('sha256');
    for await (const piece of piecesOf(one.file, signal)) hash.update(piece);
    return (await contentsOf(other.file, form, signal)) === hash.digest('hex');
  });
}

/** SHA-256 of what a compressed file holds; a text that is none where it is damaged. */
async function contentsOf(file: number, form: Form, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const piece of decompressor(form, piecesOf(file, signal))) hash.update(piece);
    return hash.digest('hex');
  } catch (error) {
    if (/^(ZSTD_|Z_)/.test(systemCode(error))) return 'damaged';
    throw error;
  }
}

function compressor(form: Form, source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return form === 'zstd' ? compressed(source, ZSTD_LEVEL) : throughCodec(source, createGzip());
}

function decompressor(form: Form, source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return form === 'zstd' ? decompressed(source) : throughCodec(source, createGunzip());
}

async function* hashed(source: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
}

/** @throws the signal's reason */
async function* piecesOf(file: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead, buffer } = await readPart(file, Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

async function copyAll(source: number, target: number, { signal }: Move): Promise<number> {
  let copied = 0;
  for await (const piece of piecesOf(source, signal)) {
    writeAll(target, piece);
    copied += piece.length;
  }
  return copied;
}

/** Copies what came in since, without letting anything else happen in between. @throws MaintError FILE_UNUSABLE */
function catchUp(source: number, target: number, from: number): number {
  if (fstatSync(source).size < from)
    throw new MaintError('FILE_UNUSABLE', 'the log was emptied by somebody else while it was copied');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let position = from;
  for (let bytes = readSync(source, piece, 0, PIECE_BYTES, position); bytes > 0;) {
    writeAll(target, piece.subarray(0, bytes));
    position += bytes;
    bytes = readSync(source, piece, 0, PIECE_BYTES, position);
  }
  return position;
}

/** A disk that fills up may take less than it was given. */
function writeAll(file: number, piece: Buffer): void {
  for (let written = 0; written < piece.length;) written += writeSync(file, piece, written);
}

/** Makes a file with the owner and the rights of another. */
function createLike(file: number, folder: AnchoredFolder, name: string): number {
  const { mode, uid, gid } = fstatSync(file);
  const made = folder.openFile(name, 'create');
  // Only root may give files away; whoever else may write to the folder keeps the copy as its own.
  if (getuid?.() === 0) fchownSync(made, uid, gid);
  fchmodSync(made, mode & 0o777);
  return made;
}

function renamed(folder: AnchoredFolder, from: string, to: string): void {
  if (folder.look(to) !== 'vanished') throw new MaintError('FILE_UNUSABLE', `${folder.path}/${to} is there already`);
  const fault = folder.rename(from, to);
  if (fault !== undefined) throw new MaintError('FILE_UNUSABLE', `${folder.path}/${to} cannot be made (${fault})`);
  folder.sync();
}

function held(file: number): Disposable & { readonly file: number } {
  return { file, [Symbol.dispose]: () => closeSync(file) };
}
