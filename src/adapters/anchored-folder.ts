import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  opendirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { MaintError } from '../base/errors.ts';
import { systemCode, translated } from './files.ts';

/** What the system says of one entry of a folder, links not followed. */
export interface EntryState {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** With the number of the device, the identity of what lies behind the name. */
  readonly device: number;
  readonly inode: number;
  /** Names that lead to it: what has several stays on the disk when one of them goes. */
  readonly links: number;
  readonly sizeBytes: number;
  /** What it takes on the disk. */
  readonly diskBytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly changedMs: number;
  readonly bornMs: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Why an entry cannot be looked at, entered or removed: it is gone, the system says no, or another disk begins there. */
export type EntryFault = 'vanished' | 'refused' | 'mount';

const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);
/** What a name becomes when its bytes are no UTF-8: the file behind it cannot be asked for. */
const UNREADABLE_LETTER = '\u{FFFD}';
const NAMES_AT_ONCE = 512;
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A folder that is held open, and whose entries are reached through it and not through its path. Whoever swaps a folder
 * on the way for a link meanwhile reaches nothing by it: this is what openat(2) is for, by way of /proc, since Node.js
 * does not have that call. What is mounted below is never entered, not even the same disk mounted once more.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html
 */
export class AnchoredFolder implements Disposable {
  /** Where it lay when it was opened; only for messages. */
  readonly path: string;
  #file: number;
  readonly #mount: string;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
    this.#mount = mountOf(file);
  }

  /**
   * Opens a folder, links on the way to it followed.
   * @returns undefined where there is no such folder
   * @throws MaintError FILE_UNUSABLE
   */
  static async open(path: string): Promise<AnchoredFolder | undefined> {
    return translated(path, async () => {
      try {
        const real = realpathSync(path);
        return new AnchoredFolder(real, openSync(real, FOLDER_FLAGS));
      } catch (error) {
        if (GONE.has(systemCode(error))) return undefined;
        throw error;
      }
    });
  }

  /** The same for the same folder, whatever its path. */
  get identity(): string {
    const { dev, ino } = fstatSync(this.#file);
    return `${dev}:${ino}`;
  }

  /** The names in it. @throws the error of the system */
  *names(): Generator<string> {
    const names = opendirSync(this.#at('.'), { bufferSize: NAMES_AT_ONCE });
    try {
      for (let entry = names.readSync(); entry !== null; entry = names.readSync())
        if (!entry.name.includes(UNREADABLE_LETTER)) yield entry.name;
    } finally {
      names.closeSync();
    }
  }

  /** Asks about an entry. */
  look(name: string): EntryState | EntryFault {
    return attempted(() => stateOf(lstatSync(this.#at(name))));
  }

  /** Opens a folder in it; what is mounted there is left alone. */
  enter(name: string): AnchoredFolder | EntryFault {
    return attempted(() => {
      const file = openSync(this.#at(name), FOLDER_FLAGS);
      const folder = new AnchoredFolder(`${this.path}/${name}`, file);
      if (folder.#mount === this.#mount) return folder;
      folder[Symbol.dispose]();
      return 'mount';
    });
  }

  /** Opens an entry that is an ordinary file, or makes it. Links are not followed. @throws the error of the system */
  openFile(name: string, flags: 'read' | 'read-write' | 'create', mode = 0o600): number {
    const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
    const how = { read: O_RDONLY, 'read-write': O_RDWR, create: O_RDWR | O_CREAT | O_EXCL }[flags];
    const file = openSync(this.#at(name), how | O_NOFOLLOW | O_NONBLOCK, mode);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    throw new MaintError('FILE_UNUSABLE', `${this.path}/${name} is no ordinary file`);
  }

  /** Removes a name of a file or a link. */
  removeFile(name: string): EntryFault | undefined {
    return faultIn(() => unlinkSync(this.#at(name)));
  }

  /** Removes an empty folder. */
  removeFolder(name: string): EntryFault | undefined {
    return faultIn(() => rmdirSync(this.#at(name)));
  }

  /** Gives an entry another name; one that has the name already is replaced. */
  rename(from: string, to: string): EntryFault | undefined {
    return faultIn(() => renameSync(this.#at(from), this.#at(to)));
  }

  /** Flushes the names in it. */
  sync(): void {
    fsyncSync(this.#file);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    // The system gives the number to the next file that is opened: nothing must reach that one through here.
    this.#file = -1;
  }

  #at(name: string): string {
    return `/proc/self/fd/${this.#file}/${name}`;
  }
}

function stateOf(facts: Stats): EntryState {
  const kind = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : facts.isSymbolicLink() ? 'link' : 'other';
  return {
    kind,
    device: facts.dev,
    inode: facts.ino,
    links: facts.nlink,
    sizeBytes: facts.size,
    diskBytes: facts.blocks * 512,
    modifiedMs: facts.mtimeMs,
    changedMs: facts.ctimeMs,
    bornMs: facts.birthtimeMs,
    mode: facts.mode & 0o7777,
    uid: facts.uid,
    gid: facts.gid,
  };
}

/** The number of its mount, which a second mount of the same disk does not share, and its device. */
function mountOf(file: number): string {
  const said = readFileSync(`/proc/self/fdinfo/${file}`, 'utf8');
  return `${/^mnt_id:\s*(\d+)$/m.exec(said)?.[1] ?? ''} ${fstatSync(file).dev}`;
}

/** Files come and go: what the system says of one of them is an answer, not an error. */
function attempted<T>(work: () => T): T | EntryFault {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    if (GONE.has(code)) return 'vanished';
    if (code === '') throw error;
    return 'refused';
  }
}

function faultIn(work: () => void): EntryFault | undefined {
  return attempted(() => {
    work();
    return undefined;
  });
}
