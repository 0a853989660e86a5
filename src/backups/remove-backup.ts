import { moveDurably, removeFolder } from '../adapters/files.ts';
import { backupFolder, trashFolder } from './layout.ts';

/** One backup of this host. */
interface Doomed {
  readonly directory: string;
  readonly label: string;
  readonly id: string;
}

/**
 * Removes one backup: first it loses its name, so that nobody ever meets half a backup, then its files go.
 * @param isWanted asked once it has lost its name, which whoever pins it would see; then it gets it back
 * @throws MaintError FILE_UNUSABLE
 */
export async function removeBackup(
  { directory, label, id }: Doomed,
  isWanted: () => Promise<boolean>,
): Promise<'removed' | 'wanted'> {
  const [folder, trash] = [backupFolder(directory, label, id), trashFolder(directory, label, id)];
  await moveDurably(folder, trash);
  if (await isWanted()) {
    await moveDurably(trash, folder);
    return 'wanted';
  }
  await removeFolder(trash);
  return 'removed';
}
