import { moveDurably, removeFolder } from '../adapters/files.ts';
import { backupFolder, trashFolder } from './layout.ts';

/**
 * Removes one backup: first it loses its name, so that nobody ever meets half a backup, then its files go.
 * @throws MaintError FILE_UNUSABLE
 */
export async function removeBackup(directory: string, label: string, id: string): Promise<void> {
  const trash = trashFolder(directory, label, id);
  await moveDurably(backupFolder(directory, label, id), trash);
  await removeFolder(trash);
}
