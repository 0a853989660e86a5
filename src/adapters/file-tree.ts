import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  opendirSync,
  read,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
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
export interface OpenFile extends Disposable {
  readonly facts: EntryFacts;
  /** Reads from the first byte on until the room is full, at once. @returns what came in between; undefined if nothing */
  fill(room: Buffer): 'shorter' | 'unreadable' | undefined;
  /** Reads from there on. @returns fewer bytes than asked for only at the end; undefined where the disk refuses */
  read(position: number, length: number): Promise<Buffer | undefined>;
  /** Has it been written to since it was opened? */
  hasChanged(): boolean;
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
 * and of each folder only a few names are held at a time. Like all that follows here it does not wait in between: the
 * system has most answers at hand, and with thousands of small files waiting takes many times as long as the answer.
 */
export function* walkTree(walk: Walk): Generator<TreeEntry> {
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (folder !== '') yield { path: folder, kind: 'folder' };
    const below: string[] = [];
    for (const entry of entriesOf(walk, folder)) {
      if (entry.kind !== 'folder') yield entry;
      else if (join(walk.root, entry.path) !== walk.without) below.push(entry.path);
    }
    for (const path of below.toReversed()) waiting.push(path);
  }
}

function* entriesOf({ root, onFault }: Walk, folder: string): Generator<TreeEntry> {
  try {
    for (const { name, kind } of namesOf(join(root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (name.includes(UNREADABLE_LETTER)) onFault(path, 'unreadable');
      else yield { path, kind };
    }
  } catch (error) {
    onFault(folder, faultOf(error));
  }
}

function* namesOf(folder: string): Generator<Pick<TreeEntry, 'kind'> & { readonly name: string }> {
  const names = opendirSync(folder, { bufferSize: NAMES_AT_ONCE });
  try {
    for (let entry = names.readSync(); entry !== null; entry = names.readSync()) {
      yield { name: entry.name, kind: kindOf(entry) };
    }
  } finally {
    names.closeSync();
  }
}

/** Asks for owner, rights and time of an entry, and where a link points. */
export function describeEntry(
  path: string,
): (EntryFacts & Pick<TreeEntry, 'kind'> & { readonly target: string | undefined }) | TreeFault {
  return attempted(() => {
    const facts = lstatSync(path);
    return {
      ...factsOf(facts),
      kind: kindOf(facts),
      target: facts.isSymbolicLink() ? readlinkSync(path) : undefined,
    };
  });
}

/** Opens an ordinary file for reading. A link that has taken its place is not followed, and a pipe not waited for. */
export function openFile(path: string): OpenFile | TreeFault {
  return attempted(() => {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const opened = fstatSync(file);
    if (!opened.isFile()) {
      closeSync(file);
      return 'vanished';
    }
    return new Opened(file, opened);
  });
}

/** A class and not an object with functions of its own: thousands of small files are opened each second. */
class Opened implements OpenFile {
  readonly facts: EntryFacts;
  readonly #file: number;
  readonly #opened: Stats;

  constructor(file: number, opened: Stats) {
    this.facts = factsOf(opened);
    this.#file = file;
    this.#opened = opened;
  }

  fill(room: Buffer): 'shorter' | 'unreadable' | undefined {
    return fillFrom(this.#file, room);
  }

  read(position: number, length: number): Promise<Buffer | undefined> {
    return readAt(this.#file, position, length);
  }

  hasChanged(): boolean {
    const now = attempted(() => fstatSync(this.#file));
    return typeof now === 'string' || now.size !== this.#opened.size || now.mtimeMs !== this.#opened.mtimeMs;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
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
  try {
    const real = await realpath(join(root, path));
    const facts = await stat(real);
    return facts.isFile() && real.startsWith(root + sep)
      ? { path: real.slice(root.length + 1), size: facts.size }
      : undefined;
  } catch (error) {
    faultOf(error);
    return undefined;
  }
}

function kindOf(entry: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): TreeEntry['kind'] {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other';
}

/** The property `mtime` makes its date in a roundabout way, which takes as long as asking the system. */
function factsOf({ mode, uid, gid, size, mtimeMs }: Stats): EntryFacts {
  return { mode: mode & 0o7777, uid, gid, size, modifiedAt: new Date(mtimeMs) };
}

function fillFrom(file: number, room: Buffer): 'shorter' | 'unreadable' | undefined {
  const end = attempted(() => {
    for (let at = 0; at < room.length;) {
      const bytes = readSync(file, room, at, room.length - at, at);
      if (bytes === 0) return 'shorter';
      at += bytes;
    }
    return undefined;
  });
  return end === 'vanished' ? 'unreadable' : end;
}

const readPart = promisify(read);

async function readAt(file: number, position: number, length: number): Promise<Buffer | undefined> {
  try {
    const { bytesRead, buffer } = await readPart(file, Buffer.allocUnsafeSlow(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    faultOf(error);
    return undefined;
  }
}

/** Files of a living application come and go: what the system says of one of them is an answer, not an error. */
function attempted<T>(work: () => T): T | TreeFault {
  try {
    return work();
  } catch (error) {
    return faultOf(error);
  }
}

/** @throws the error itself where it is none of the system */
function faultOf(error: unknown): TreeFault {
  const code = systemCode(error);
  if (code === '') throw error;
  return GONE.has(code) ? 'vanished' : 'unreadable';
}
