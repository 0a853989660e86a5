import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { listFolder, makeFolder, readIfThere, syncFolder } from '../adapters/files.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { MaintError } from '../base/errors.ts';
import { backupFolder, kindOfFolder, labelFolder, FILES, REPOSITORY_FILE, startOf } from './layout.ts';
import { parseManifest, type Manifest } from './manifest.ts';

/** One folder that looks like a backup. */
export interface BackupEntry {
  readonly id: string;
  readonly startedAt: Date;
  readonly folder: string;
  /** What its files take, in bytes. */
  readonly bytes: number;
  /** Its manifest says it was verified, and its files are there in their sizes. What they hold is for `verify-backup`. */
  readonly isVerified: boolean;
  /** Undefined where it cannot be read. */
  readonly manifest: Manifest | undefined;
}

const FORMAT = 'maint-repo/1';

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
    writeTextFile(join(directory, REPOSITORY_FILE), `${JSON.stringify(mark, undefined, 2)}\n`);
  }
  await makeFolder(labelFolder(directory, label));
  await syncFolder(directory);
}

/**
 * Lists the backups of a label, newest first, whole or not.
 * @returns none where the label has no folder yet
 * @throws MaintError FILE_UNUSABLE
 */
export async function listBackups(directory: string, label: string): Promise<readonly BackupEntry[]> {
  const entries = (await listFolder(labelFolder(directory, label))) ?? [];
  const ids = entries.filter(({ name, kind }) => kind === 'folder' && kindOfFolder(name) === 'backup');
  const backups = await Promise.all(ids.map(({ name }) => inspectBackup(directory, label, name)));
  return backups
    .filter((backup) => backup !== undefined)
    .toSorted(byAge)
    .toReversed();
}

/** Ids count seconds; within one second the snapshots tell which came first. */
function byAge(a: BackupEntry, b: BackupEntry): number {
  const takenAt = ({ manifest }: BackupEntry): number => Date.parse(manifest?.snapshot.takenAt ?? '') || 0;
  return a.startedAt.getTime() - b.startedAt.getTime() || takenAt(a) - takenAt(b);
}

async function inspectBackup(directory: string, label: string, id: string): Promise<BackupEntry | undefined> {
  const folder = backupFolder(directory, label, id);
  const startedAt = startOf(id);
  const files = await listFolder(folder);
  if (startedAt === undefined || files === undefined) return undefined;
  const text = await readIfThere(join(folder, FILES.manifest));
  const parsed = text === undefined ? undefined : parseManifest(text);
  const manifest = typeof parsed === 'string' ? undefined : parsed;
  const sizes = new Map(files.map(({ name, size }) => [name, size]));
  return {
    id,
    startedAt,
    folder,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    isVerified:
      manifest !== undefined &&
      manifest.id === id &&
      manifest.label === label &&
      sizes.has(FILES.sums) &&
      manifest.artifacts.every(({ path, bytes }) => sizes.get(path) === bytes),
    manifest,
  };
}
