import { readStoredText, type Store } from '../adapters/store.ts';
import { FILES } from './layout.ts';
import type { BackupEntry } from './repository.ts';
import { sha256Of } from './stored.ts';
import { parseSums } from './sums.ts';

/** One backup and the place it goes to. */
export interface CopyRequest {
  /** A whole backup of this host. */
  readonly entry: BackupEntry;
  readonly store: Store;
  /** Read every byte back before it counts? Otherwise the place's own word is taken for it. */
  readonly readsBack: boolean;
  /** Told the bytes sent and read back so far. */
  readonly onBytes: (bytes: number) => void;
}

/** What is wrong with a file of a copy, in one line; none where the copy is whole. */
export interface Copied {
  readonly bytes: number;
  readonly fault: string | undefined;
}

/**
 * Copies a backup to another place. The manifest is what makes a folder a backup, so it goes last, when everything else
 * has been read back there: a copy that was broken off is no backup.
 * @throws MaintError as `Store.put` and `Store.read`
 */
export async function copyBackup(request: CopyRequest, signal: AbortSignal): Promise<Copied> {
  const { entry, store, readsBack } = request;
  const sums = parseSums(await readStoredText(entry.store, `${entry.path}/${FILES.sums}`, signal));
  const files = ((await entry.store.list(entry.path, signal))?.files ?? []).toSorted(manifestLast);
  let done = 0;
  for (const { name, sizeBytes } of files) {
    signal.throwIfAborted();
    const path = `${entry.path}/${name}`;
    const expected = sums.get(name) ?? (await sha256Of(entry.store.read(path, signal)));
    const onBytes = (bytes: number): void => request.onBytes(done + bytes);
    await store.put(path, { file: entry.store.locate(path), sizeBytes, sha256: expected, onBytes }, signal);
    done += sizeBytes;
    if (!readsBack) continue;
    const found = await sha256Of(counted(store.read(path, signal), onBytes));
    done += sizeBytes;
    if (found === expected) continue;
    await store.remove(path, signal);
    return { bytes: entry.bytes, fault: `${store.locate(path)} is not what was sent` };
  }
  return { bytes: entry.bytes, fault: undefined };
}

function manifestLast(a: { readonly name: string }, b: { readonly name: string }): number {
  return Number(a.name === FILES.manifest) - Number(b.name === FILES.manifest);
}

async function* counted(pieces: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of pieces) {
    onBytes((bytes += piece.length));
    yield piece;
  }
}

/** What became of a backup that was to be removed from a place. */
export type Removal = 'removed' | 'retained';

/**
 * Removes a backup from a place of copies: its manifest first, so that what is left of it is no backup any more. Where
 * the place keeps the manifest by its own rule, nothing else is touched.
 * @throws MaintError as `Store.remove`
 */
export async function removeCopy({ store, path }: BackupEntry, signal: AbortSignal): Promise<Removal> {
  if ((await store.remove(`${path}/${FILES.manifest}`, signal)) === 'retained') return 'retained';
  for (const { name } of (await store.list(path, signal))?.files ?? []) await store.remove(`${path}/${name}`, signal);
  return 'removed';
}
