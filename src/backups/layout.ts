import { join } from 'node:path';

/** What the store of this host's own backups is called. */
export const LOCAL = 'local';

/** What the dump of a backup is called, with what encryption puts behind it. */
export function dumpFile(suffix = ''): string {
  return `data.dump.zst${suffix}`;
}

/** The files of every backup, beside the artifacts that its manifest names. Nothing else belongs into its folder. */
export const FILES = {
  manifest: 'manifest.json',
  sums: 'SHA256SUMS',
  notes: 'RESTORE.md',
} as const;

/** The mark of a folder that maint may keep backups in. */
export const REPOSITORY_FILE = 'maint-repo.json';

const STAGING = '.staging-';
const TRASH = '.trash-';
const ID = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{4}$/;

/**
 * Makes the id of a backup: when it began, in UTC, so that names sort by age, and two random bytes against a collision.
 * @param random two bytes
 */
export function makeId(startedAt: Date, random: Buffer): string {
  const time = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  return `${time}-${random.toString('hex')}`;
}

/** When the backup with this id began; undefined when it is no id. */
export function startOf(id: string): Date | undefined {
  const match = ID.exec(id);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** A clock that was this far ahead still counts as right. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Is a backup dated in the future, so that one of two clocks was wrong? */
export function isToCome(date: Date, now: Date): boolean {
  return date.getTime() > now.getTime() + CLOCK_TOLERANCE_MS;
}

/** The path of a label's backups in a store. A label may hold what a folder name may not. */
export function labelPath(label: string): string {
  return encodeURIComponent(label).replace(/^\./, '%2E');
}

/** The path of a verified backup in a store. */
export function backupPath(label: string, id: string): string {
  return `${labelPath(label)}/${id}`;
}

/** The folder of a label's backups on this host. */
export function labelFolder(directory: string, label: string): string {
  return join(directory, labelPath(label));
}

/** Where a backup grows until it is verified. */
export function stagingFolder(directory: string, label: string, id: string): string {
  return join(labelFolder(directory, label), `${STAGING}${id}`);
}

/** Where a verified backup is found. */
export function backupFolder(directory: string, label: string, id: string): string {
  return join(labelFolder(directory, label), id);
}

/** Where a backup goes to be removed: once it has this name it is no backup any more. */
export function trashFolder(directory: string, label: string, id: string): string {
  return join(labelFolder(directory, label), `${TRASH}${id}`);
}

/** What the name of a folder inside a label's folder says about it. */
export function kindOfFolder(name: string): 'backup' | 'staging' | 'trash' | 'foreign' {
  if (startOf(name) !== undefined) return 'backup';
  if (name.startsWith(STAGING) && startOf(name.slice(STAGING.length)) !== undefined) return 'staging';
  if (name.startsWith(TRASH) && startOf(name.slice(TRASH.length)) !== undefined) return 'trash';
  return 'foreign';
}
