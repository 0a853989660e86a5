import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MaintError } from '../base/errors.ts';

/** Only the owner may enter. */
const FOLDER_MODE = 0o700;
/** Pieces in which files are read. */
const READ_BYTES = 2 * 2 ** 20;

/** What a folder holds: names with their kind and size. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes of a file. */
  readonly size: number;
}

/**
 * Makes a folder and those above it, private to the owner.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function makeFolder(path: string): Promise<void> {
  await translated(path, () => mkdir(path, { recursive: true, mode: FOLDER_MODE }));
}

/**
 * Moves a folder to its final name, and sees to it that the move survives a power cut.
 * @throws MaintError FILE_UNUSABLE
 */
export async function moveDurably(from: string, to: string): Promise<void> {
  await translated(to, () => rename(from, to));
  await syncFolder(dirname(to));
}

/** Flushes a folder: the names in it, not the files. */
export async function syncFolder(path: string): Promise<void> {
  await translated(path, async () => {
    await using folder = await open(path, 'r');
    await folder.sync();
  });
}

/**
 * @returns the text of a file; undefined when there is none
 * @throws MaintError FILE_UNUSABLE
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  return translated(path, () => readFile(path, 'utf8').catch(undefinedIfMissing));
}

/**
 * @returns what a folder holds, sorted by name; undefined when there is no such folder
 * @throws MaintError FILE_UNUSABLE
 */
export async function listFolder(path: string): Promise<readonly FolderEntry[] | undefined> {
  return translated(path, async () => {
    const names = await readdir(path).catch(undefinedIfMissing);
    if (names === undefined) return undefined;
    const entries = await Promise.all(names.toSorted().map(async (name) => describe(path, name)));
    return entries.filter((entry) => entry !== undefined);
  });
}

/** Removes a folder with everything in it; none there is fine. */
export async function removeFolder(path: string): Promise<void> {
  await translated(path, () => rm(path, { recursive: true, force: true }));
}

/** The path itself, or the nearest folder above it that exists: where it will lie once it is made. */
export async function nearestFolder(path: string): Promise<string> {
  const isThere = await translated(path, () => lstat(path).catch(undefinedIfMissing));
  return isThere !== undefined || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/**
 * Reads a file from front to back in large pieces.
 * @throws MaintError FILE_UNUSABLE
 */
export async function* readPieces(path: string): AsyncGenerator<Buffer> {
  await using file = await translated(path, () => open(path, 'r'));
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await translated(path, () =>
      file.read({ buffer: Buffer.allocUnsafe(READ_BYTES), position }),
    );
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/**
 * Runs file work and translates what it throws.
 * @throws MaintError NO_SPACE when the disk is full, FILE_UNUSABLE for everything else the system refuses
 */
export async function translated<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translation(path, error);
  }
}

/** As `translated`, for work that does not wait. @throws MaintError NO_SPACE, FILE_UNUSABLE */
export function translatedSync<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translation(path, error);
  }
}

function translation(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === '' || error instanceof MaintError) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const message = isFull ? `no space left for ${path}` : `${path} cannot be used (${code})`;
  return new MaintError(isFull ? 'NO_SPACE' : 'FILE_UNUSABLE', message, { cause: error });
}

async function describe(folder: string, name: string): Promise<FolderEntry | undefined> {
  const facts = await lstat(join(folder, name)).catch(undefinedIfMissing);
  if (facts === undefined) return undefined;
  const kind = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other';
  return { name, kind, size: facts.size };
}

function undefinedIfMissing(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error;
  return undefined;
}

/** The code of a system error, such as `ENOENT`; empty for every other error. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
