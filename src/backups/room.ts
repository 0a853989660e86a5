import { diskUsage } from '../adapters/disk.ts';
import { nearestFolder } from '../adapters/files.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';

/** Room that must be free before a dump begins, as a share of the newest backup. */
const SPACE_SHARE = 1.3;
/** What a growing dump leaves to the others on its disk, the database perhaps: the last gigabyte, or where the disk is small the last part of it. */
const RESERVE_BYTES = 2 ** 30;
const RESERVE_SHARE = 0.05;

/**
 * Makes sure that another backup will fit.
 * @param newestBytes what the newest backup takes
 * @throws MaintError NO_SPACE
 */
export async function requireRoom(directory: string, newestBytes: number): Promise<void> {
  const needed = newestBytes * SPACE_SHARE;
  const place = await nearestFolder(directory);
  const { freeBytes } = await diskUsage(place);
  if (freeBytes >= needed) return;
  throw new MaintError(
    'NO_SPACE',
    `${place} has ${formatBytes(freeBytes)} free, a backup needs about ${formatBytes(needed)}`,
    { detail: 'preflight.no_space' },
  );
}

/**
 * Makes sure that a backup that grows does not take the last of a disk.
 * @throws MaintError NO_SPACE
 */
export async function requireReserve(folder: string): Promise<void> {
  const { freeBytes, usedShare } = await diskUsage(folder);
  if (freeBytes >= RESERVE_BYTES || 1 - usedShare >= RESERVE_SHARE) return;
  throw new MaintError('NO_SPACE', `the disk below ${folder} has only ${formatBytes(freeBytes)} left`, {
    detail: 'backup.disk_filling',
    hint: 'Free some space, or move the backups to a larger disk; nothing of this backup was kept.',
  });
}
