import { createHash } from 'node:crypto';
import { lstat, open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MaintError } from '../base/errors.ts';
import { listFolder, makeFolder, readPieces, syncFolder, systemCode, translated } from './files.ts';
import type { Store, StoreListing, StoreUpload } from './store.ts';

const PARTIAL = '.partial';

/**
 * A folder of this host, or of whatever is mounted there, as a store.
 * @param root absolute path; a root that is not there is STORE_UNREACHABLE when something is put into it, because a
 *   missing mount must not fill the disk below it
 * @param whenMissing what a listing says of a root that is not there: `unreachable` for a mount, which may hold
 *   anything; `empty` for a folder that maint makes itself
 */
export function openFolderStore(
  name: string,
  root: string,
  whenMissing: 'unreachable' | 'empty' = 'unreachable',
): Store {
  const locate = (path: string): string => join(root, path);
  return {
    name,
    isNear: true,
    locate,
    async list(path, signal) {
      const listing = await listed(locate(path), signal);
      if (listing === undefined && whenMissing === 'unreachable') await requireRoot(root);
      return listing;
    },
    read: (path, signal) => pieces(locate(path), signal),
    put: (path, upload, signal) => put(root, locate(path), { ...upload, signal }),
    async remove(path) {
      if (!(await translated(locate(path), () => removed(locate(path))))) return 'retained';
      // As in a bucket, a folder is there as long as something is in it.
      if (path.includes('/')) await rmdir(dirname(locate(path))).catch(ignoreUnlessEmpty);
      return 'removed';
    },
  };
}

/** A file that cannot be changed, a folder without the right to remove from it, a snapshot. */
const KEPT = new Set(['EPERM', 'EACCES', 'EROFS']);

async function removed(path: string): Promise<boolean> {
  try {
    await rm(path, { force: true });
    return true;
  } catch (error) {
    if (!KEPT.has(systemCode(error))) throw error;
    return false;
  }
}

async function listed(folder: string, signal: AbortSignal): Promise<StoreListing | undefined> {
  signal.throwIfAborted();
  const entries = await listFolder(folder);
  return (
    entries && {
      files: entries
        .filter(({ name, kind }) => kind === 'file' && !name.endsWith(PARTIAL))
        .map(({ name, size }) => ({ name, sizeBytes: size })),
      folders: entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name),
    }
  );
}

async function* pieces(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of readPieces(path)) {
    signal.throwIfAborted();
    yield piece;
  }
}

/** Writes under a partial name, flushes, renames. */
async function put(
  root: string,
  path: string,
  { file, sizeBytes, sha256, onBytes, signal }: StoreUpload & { readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  await requireRoot(root);
  await makeFolder(dirname(path));
  const partial = `${path}${PARTIAL}`;
  try {
    await translated(path, async () => {
      await using target = await open(partial, 'w', 0o600);
      const hash = createHash('sha256');
      let written = 0;
      for await (const piece of pieces(file, signal)) {
        hash.update(piece);
        await target.appendFile(piece);
        onBytes((written += piece.length));
      }
      await target.sync();
      if (written !== sizeBytes || hash.digest('hex') !== sha256)
        throw new MaintError('FILE_UNUSABLE', `${file} changed while it was copied`);
      await rename(partial, path);
    });
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function requireRoot(root: string): Promise<void> {
  const isThere = await lstat(root).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  throw new MaintError('STORE_UNREACHABLE', `${root} does not exist`, {
    hint: 'Mount the disk, or make the directory if it is a new one.',
  });
}

/** It holds something else, or is gone already. */
function ignoreUnlessEmpty(): void {}
