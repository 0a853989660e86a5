import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { listFolder, makeFolder, readIfThere, syncFolder } from '../adapters/files.ts';
import { openFolderStore } from '../adapters/folder-store.ts';
import { readStoredText, type Store } from '../adapters/store.ts';
import { createTextFile } from '../adapters/text-file.ts';
import { MaintError } from '../base/errors.ts';
import { backupPath, kindOfFolder, labelFolder, labelPath, FILES, LOCAL, REPOSITORY_FILE, startOf } from './layout.ts';
import { parseManifest, type Manifest } from './manifest.ts';

/** One folder that looks like a backup. */
export interface BackupEntry {
  readonly id: string;
  readonly startedAt: Date;
  /** Where it lies. */
  readonly store: Store;
  /** Path of its folder in the store. */
  readonly path: string;
  /** The same for people: an absolute path where it lies on this host. */
  readonly location: string;
  /** What its files take, in bytes. */
  readonly bytes: number;
  /** Its manifest says it was verified, and its files are there in their sizes. What they hold is for `verify-backup`. */
  readonly isVerified: boolean;
  /** Undefined where it cannot be read. */
  readonly manifest: Manifest | undefined;
}

const FORMAT = 'maint-repo/1';
/** How many manifests are read at the same time: a store far away answers slowly, but takes several questions. */
const PARALLEL_READS = 8;

/** The backups of this host, as a store. */
export function localStore(directory: string): Store {
  return openFolderStore(LOCAL, directory, 'empty');
}

/**
 * Looks at the folder that holds, or will hold, the backups.
 * @throws MaintError FILE_UNUSABLE when it holds something else
 */
export async function inspectRepository(directory: string): Promise<'missing' | 'empty' | 'ours'> {
  const entries = await listFolder(directory);
  if (entries === undefined) return 'missing';
  const mark = await readIfThere(join(directory, REPOSITORY_FILE));
  if (mark?.includes(FORMAT)) return 'ours';
  if (mark !== undefined)
    throw new MaintError('FILE_UNUSABLE', `${join(directory, REPOSITORY_FILE)} is not of the format ${FORMAT}`, {
      hint: 'It was made by another version of maint: use that one, or name another directory.',
    });
  // What a mount point and a half-made repository hold.
  const foreign = entries.filter(({ name }) => name !== 'lost+found' && !name.startsWith(REPOSITORY_FILE));
  if (foreign.length === 0) return 'empty';
  throw new MaintError('FILE_UNUSABLE', `${directory} is not empty and holds no backups of maint`, {
    hint: 'Name a directory that backups have for themselves as backup.directory.',
  });
}

/**
 * Makes sure that the folder is there and marked as ours, and the label's folder in it.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function prepareRepository(directory: string, label: string): Promise<void> {
  const state = await inspectRepository(directory);
  if (state !== 'ours') {
    await makeFolder(directory);
    const mark = { format: FORMAT, id: randomUUID() };
    // Another project may begin here at the same moment: then its mark is as good.
    createTextFile(join(directory, REPOSITORY_FILE), `${JSON.stringify(mark, undefined, 2)}\n`);
  }
  await makeFolder(labelFolder(directory, label));
  await syncFolder(directory);
}

/**
 * Lists the backups of a label, newest first, whole or not.
 * @returns none where the label has no folder yet
 * @throws MaintError as `Store.list` and `Store.read`
 */
export async function listBackups(store: Store, label: string, signal: AbortSignal): Promise<readonly BackupEntry[]> {
  const names = (await store.list(labelPath(label), signal))?.folders ?? [];
  const ids = names.filter((name) => kindOfFolder(name) === 'backup');
  const backups: BackupEntry[] = [];
  for (let next = 0; next < ids.length; next += PARALLEL_READS) {
    const some = ids.slice(next, next + PARALLEL_READS);
    const inspected = await Promise.all(some.map((id) => inspectBackup({ store, label, id }, signal)));
    backups.push(...inspected.filter((backup) => backup !== undefined));
  }
  return backups.toSorted(byAge).toReversed();
}

/** Ids count seconds; within one second the snapshots tell which came first. */
function byAge(a: BackupEntry, b: BackupEntry): number {
  const takenAt = ({ manifest }: BackupEntry): number => Date.parse(manifest?.snapshot.takenAt ?? '') || 0;
  return a.startedAt.getTime() - b.startedAt.getTime() || takenAt(a) - takenAt(b);
}

interface Inspected {
  readonly store: Store;
  readonly label: string;
  readonly id: string;
}

async function inspectBackup({ store, label, id }: Inspected, signal: AbortSignal): Promise<BackupEntry | undefined> {
  const path = backupPath(label, id);
  const startedAt = startOf(id);
  const listing = await store.list(path, signal);
  if (startedAt === undefined || listing === undefined) return undefined;
  const sizes = new Map(listing.files.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const parsed = sizes.has(FILES.manifest)
    ? parseManifest(await readStoredText(store, `${path}/${FILES.manifest}`, signal))
    : undefined;
  const manifest = typeof parsed === 'string' ? undefined : parsed;
  return {
    id,
    startedAt,
    store,
    path,
    location: store.locate(path),
    bytes: listing.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    isVerified:
      manifest !== undefined &&
      manifest.id === id &&
      manifest.label === label &&
      sizes.has(FILES.sums) &&
      manifest.artifacts.every(({ path: name, bytes }) => sizes.get(name) === bytes),
    manifest,
  };
}
