import { createHash } from 'node:crypto';
import { release } from '../adapters/memory.ts';
import { MaintError } from '../base/errors.ts';
import { dumpOf, type Manifest } from './manifest.ts';
import type { Keys } from './opening.ts';
import type { BackupEntry } from './repository.ts';

/** One file of a backup, wherever it lies, with what it takes to open it. */
export interface StoredArtifact {
  readonly name: string;
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
  /** What was applied, first to last. */
  readonly codec: readonly string[];
  readonly keys: Keys;
  /** Reads it from front to back, each time it is called. */
  readonly read: () => AsyncIterable<Buffer>;
  /** As `Store.isNear`. */
  readonly isNear: boolean;
}

/** A backup with what it takes to open it. */
export interface StoredBackup {
  readonly entry: Pick<BackupEntry, 'store' | 'path' | 'location'>;
  readonly manifest: Manifest;
  readonly keys: Keys;
}

/**
 * The dump of a backup.
 * @throws MaintError FILE_UNUSABLE where its manifest names none
 */
export function storedDump({ entry, manifest, keys }: StoredBackup, signal: AbortSignal): StoredArtifact {
  const artifact = dumpOf(manifest);
  if (artifact === undefined)
    throw new MaintError('FILE_UNUSABLE', `the manifest of backup ${manifest.id} names no dump`, {
      hint: 'Look at it with `maint verify-backup --all`.',
    });
  const { path: name, bytes: sizeBytes, sha256, codec } = artifact;
  const isNear = entry.store.isNear === true;
  const read = (): AsyncIterable<Buffer> => entry.store.read(`${entry.path}/${name}`, signal);
  return { name, sizeBytes, sha256, codec, keys, read, isNear };
}

/** The SHA-256 of what is read, in hex. The pieces are used up. */
export async function sha256Of(pieces: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) {
    hash.update(piece);
    release(piece);
  }
  return hash.digest('hex');
}
