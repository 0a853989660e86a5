import { constants, type Stats } from 'node:fs';
import { lstat, open, opendir, readlink, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { systemCode, translated } from './files.ts';

/** What a folder holds, however deep. */
export interface TreeEntry {
  /** Relative to the folder, parted by `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

/** What can go wrong with one entry while the folder lives on: it is gone, or it cannot be read. */
export type TreeFault = 'vanished' | 'unreadable';

/** Owner, rights and time of an entry, as an archive keeps them. */
export interface EntryFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file, in bytes. */
  readonly size: number;
  readonly modifiedAt: Date;
}

/** One file, open, with what the system said of it at that moment. */
export interface OpenFile extends AsyncDisposable {
  readonly facts: EntryFacts;
  /** Reads from there on. @returns fewer bytes than asked for only at the end; undefined where the disk refuses */
  read(position: number, length: number): Promise<Buffer | undefined>;
  /** Has it been written to since it was opened? */
  hasChanged(): Promise<boolean>;
}

/** What a name becomes when its bytes are no UTF-8: the file behind it cannot be asked for. */
const UNREADABLE_LETTER = '\u{FFFD}';
/** Names of a folder that are read at once. */
const NAMES_AT_ONCE = 512;
/** Gone, or another kind of thing by now. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/**
 * The folder behind a path, links followed.
 * @throws MaintError FILE_UNUSABLE where there is no such folder
 */
export async function realFolder(path: string): Promise<string> {
  return translated(path, async () => {
    const real = await realpath(path);
    await using folder = await opendir(real);
    return folder.path;
  });
}

interface Walk {
  /** As `realFolder` gives it. */
  readonly root: string;
  /** Absolute path of a folder that is passed by, such as one that is being written to. */
  readonly without: string;
  /** Told of what cannot be looked at; the walk goes on. */
  readonly onFault: (path: string, fault: TreeFault) => void;
}

/**
 * Walks through a folder and everything below it, a folder before what it holds. Links are told of and never followed,
 * and of each folder only a few names are held at a time.
 */
export async function* walkTree(walk: Walk, folder = ''): AsyncGenerator<TreeEntry> {
  const below: string[] = [];
  try {
    for await (const { name, kind } of namesOf(join(walk.root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (name.includes(UNREADABLE_LETTER)) walk.onFault(path, 'unreadable');
      else if (kind !== 'folder') yield { path, kind };
      else if (join(walk.root, path) !== walk.without) below.push(path);
    }
  } catch (error) {
    walk.onFault(folder, faultOf(error));
  }
  for (const path of below) {
    yield { path, kind: 'folder' };
    yield* walkTree(walk, path);
  }
}

async function* namesOf(folder: string): AsyncGenerator<Pick<TreeEntry, 'kind'> & { readonly name: string }> {
  for await (const entry of await opendir(folder, { bufferSize: NAMES_AT_ONCE })) {
    const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other';
    yield { name: entry.name, kind };
  }
}

/** Asks for owner, rights and time of an entry, and where a link points. */
export async function describeEntry(
  path: string,
): Promise<(EntryFacts & { readonly target: string | undefined }) | TreeFault> {
  return attempted(async () => {
    const facts = await lstat(path);
    return { ...factsOf(facts), target: facts.isSymbolicLink() ? await readlink(path) : undefined };
  });
}

/** Opens an ordinary file for reading. A link that has taken its place is not followed, and a pipe not waited for. */
export async function openFile(path: string): Promise<OpenFile | TreeFault> {
  return attempted(async () => {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const opened = await file.stat();
    if (!opened.isFile()) {
      await file.close();
      return 'vanished';
    }
    return {
      facts: factsOf(opened),
      read: (position, length) => readAt(file, position, length),
      hasChanged: async () => {
        const { size, mtimeMs } = await file.stat();
        return size !== opened.size || mtimeMs !== opened.mtimeMs;
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  });
}

/**
 * What a path inside a folder leads to when its links are followed.
 * @param root as `realFolder` gives it
 * @returns where it lies, relative to the folder, and its size; undefined where there is no file or it lies outside
 */
export async function followInside(
  root: string,
  path: string,
): Promise<{ readonly path: string; readonly size: number } | undefined> {
  const found = await attempted(async () => {
    const real = await realpath(join(root, path));
    return { real, facts: await stat(real) };
  });
  if (typeof found === 'string' || !found.facts.isFile() || !found.real.startsWith(root + sep)) return undefined;
  return { path: found.real.slice(root.length + 1), size: found.facts.size };
}

function factsOf({ mode, uid, gid, size, mtime }: Stats): EntryFacts {
  return { mode: mode & 0o7777, uid, gid, size, modifiedAt: mtime };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  const piece = await attempted(async () => {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(length), position });
    return buffer.subarray(0, bytesRead);
  });
  return typeof piece === 'string' ? undefined : piece;
}

/** Files of a living application come and go: what the system says of one of them is an answer, not an error. */
async function attempted<T>(work: () => Promise<T>): Promise<T | TreeFault> {
  try {
    return await work();
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): TreeFault {
  const code = systemCode(error);
  if (code === '') throw error;
  return GONE.has(code) ? 'vanished' : 'unreadable';
}
