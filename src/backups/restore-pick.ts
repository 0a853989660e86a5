import { randomInt } from 'node:crypto';
import { listFolder } from '../adapters/files.ts';
import { MaintError } from '../base/errors.ts';
import { listBackups, type BackupEntry } from './repository.ts';

/** Which of the backups a restore test takes. */
export const PICKS = ['newest', 'oldest', 'random'] as const;
export type Pick = (typeof PICKS)[number];

/**
 * Picks one of a label's backups.
 * @returns undefined where there is none
 * @throws MaintError FILE_UNUSABLE where there is no such directory: a missing mount is no missing backup
 */
export async function pickBackup(directory: string, label: string, pick: Pick): Promise<BackupEntry | undefined> {
  await requireDirectory(directory);
  const backups = await listBackups(directory, label);
  if (backups.length === 0) return undefined;
  if (pick === 'newest') return backups[0];
  return pick === 'oldest' ? backups.at(-1) : backups[randomInt(backups.length)];
}

/**
 * Finds the backup that a person names.
 * @param name an id, or `latest`
 * @throws MaintError USAGE where there is none of that name, FILE_UNUSABLE where there is no such directory
 */
export async function findBackup(directory: string, label: string, name: string): Promise<BackupEntry> {
  await requireDirectory(directory);
  const backups = await listBackups(directory, label);
  const [newest] = backups;
  const found = name === 'latest' ? newest : backups.find(({ id }) => id === name);
  if (found !== undefined) return found;
  if (newest === undefined)
    throw new MaintError('USAGE', `there is no backup of ${label} in ${directory}`, {
      hint: 'Name the directory of the backups with --directory.',
      detail: 'backup.none',
    });
  throw new MaintError('USAGE', `there is no backup ${name} of ${label} in ${directory}`, {
    hint: `The newest is ${newest.id}; the names of the folders are the ids.`,
    detail: 'backup.unknown',
  });
}

async function requireDirectory(directory: string): Promise<void> {
  if ((await listFolder(directory)) !== undefined) return;
  throw new MaintError('FILE_UNUSABLE', `${directory} does not exist`, {
    hint: 'Check backups.directory, and that the disk is mounted.',
  });
}
