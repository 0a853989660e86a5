import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { EntryFacts } from './file-tree.ts';
import { translatedSync } from './files.ts';
import { currentUid } from './scratch.ts';

/** What an entry gets from an archive, beside its bytes. */
type Given = Omit<EntryFacts, 'size'>;

/** A file that is being written. */
export interface GrowingEntry {
  write(bytes: Buffer): void;
  /** The last byte is written: gives it owner, rights and time, and closes it. */
  end(): void;
}

/** Set user, set group, sticky: an owner who is somebody else must not give them away. */
const SPECIAL_BITS = 0o7000;

/**
 * Fills a folder of its own. Owners are given only by root, as tar does it; rights and times by everybody. Nothing is
 * ever written over. Like reading a tree, it does not wait in between. What the system refuses is thrown as MaintError
 * NO_SPACE or FILE_UNUSABLE.
 */
export class TreeWriter {
  readonly #root: string;
  readonly #isRoot = currentUid() === 0;
  /** A folder gets its rights and its time when all is in it. */
  readonly #folders: (readonly [string, Given])[] = [];

  /** @param root an empty folder that nobody else writes into */
  constructor(root: string) {
    this.#root = root;
  }

  /** Makes a folder, closed to others until `finish`. */
  folder(path: string, facts: Given): void {
    this.#at(path, (full) => mkdirSync(full, { mode: 0o700 }));
    this.#folders.push([path, facts]);
  }

  link(path: string, target: string, { uid, gid, modifiedAt }: Given): void {
    this.#at(path, (full) => {
      symlinkSync(target, full);
      if (this.#isRoot) lchownSync(full, uid, gid);
      lutimesSync(full, modifiedAt, modifiedAt);
    });
  }

  file(path: string, { mode, uid, gid, modifiedAt }: Given): GrowingEntry {
    const descriptor = this.#at(path, (full) => openSync(full, 'wx', 0o600));
    return {
      write: (bytes) =>
        this.#at(path, () => {
          for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
        }),
      end: () =>
        this.#at(path, () => {
          if (this.#isRoot) fchownSync(descriptor, uid, gid);
          fchmodSync(descriptor, this.#rights(mode));
          futimesSync(descriptor, modifiedAt, modifiedAt);
          closeSync(descriptor);
        }),
    };
  }

  /** All is there: gives the folders their owners, rights and times, the innermost first. */
  finish(): void {
    for (const [path, { mode, uid, gid, modifiedAt }] of this.#folders.toReversed())
      this.#at(path, (full) => {
        if (this.#isRoot) chownSync(full, uid, gid);
        chmodSync(full, this.#rights(mode));
        utimesSync(full, modifiedAt, modifiedAt);
      });
  }

  #rights(mode: number): number {
    return this.#isRoot ? mode : mode & ~SPECIAL_BITS;
  }

  #at<T>(path: string, work: (full: string) => T): T {
    const full = join(this.#root, path);
    return translatedSync(full, () => work(full));
  }
}
