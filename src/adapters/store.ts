/** A file as a store lists it. */
export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** What lies right below one folder of a store, both sorted by name. */
export interface StoreListing {
  readonly files: readonly StoredFile[];
  readonly folders: readonly string[];
}

/** A file of this host that goes into a store, and what it must be like when it has arrived. */
export interface StoreUpload {
  /** Absolute path of the file on this host. */
  readonly file: string;
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
  /** Told the bytes sent so far. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * A place that keeps files by path: a folder, a bucket, or whatever a command reaches. Paths are relative to its root
 * and parted by `/`; the root itself is the empty path. Every method throws MaintError STORE_UNREACHABLE when the place
 * did not answer, STORE_REFUSED when it answered with no, CANCELLED or the signal's reason when it was stopped.
 */
export interface Store {
  /** How reports and messages call it. */
  readonly name: string;
  /** A file that several read at the same time is read once: it lies in a folder, and the system keeps what was read. */
  readonly isNear?: true;
  /** Where a path lies, for a person: `/var/backups/maint/app`, `s3://bucket/app`. Never a secret. */
  locate(path: string): string;
  /** @returns what is in a folder; undefined where there is nothing of that name */
  list(path: string, signal: AbortSignal): Promise<StoreListing | undefined>;
  /**
   * Reads a file from front to back.
   * @throws MaintError FILE_UNUSABLE when there is no such file
   */
  read(path: string, signal: AbortSignal): AsyncIterable<Buffer>;
  /** Puts a file there under its final name: it appears whole or not at all. What was there under the name is replaced. */
  put(path: string, upload: StoreUpload, signal: AbortSignal): Promise<void>;
  /**
   * Removes a file; none there is fine.
   * @returns `retained` where the place keeps it by its own rule (object lock, no right to delete), which is no error
   */
  remove(path: string, signal: AbortSignal): Promise<'removed' | 'retained'>;
}

/** Texts in a store are small: manifests, checksums, notes. */
const TEXT_LIMIT_BYTES = 64 * 2 ** 20;

/**
 * Reads a small text out of a store, once its listing has said that it is there.
 * @throws MaintError as `Store.read`
 */
export async function readStoredText(store: Store, path: string, signal: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of store.read(path, signal)) {
    sizeBytes += piece.length;
    if (sizeBytes > TEXT_LIMIT_BYTES) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
