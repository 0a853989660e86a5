import type { Store } from '../adapters/store.ts';
import { MaintError } from '../base/errors.ts';
import { listBackups, type BackupEntry } from './repository.ts';

/** Where to look, and for what. */
interface Named {
  readonly store: Store;
  readonly label: string;
  /** An id, or `latest`. */
  readonly name: string;
}

/**
 * Finds the backup that a person names, in whatever place they lie.
 * @throws MaintError USAGE where there is none of that name, and as `Store.list`
 */
export async function findBackup({ store, label, name }: Named, signal: AbortSignal): Promise<BackupEntry> {
  const place = store.locate('');
  const backups = await listBackups(store, label, signal);
  const [newest] = backups;
  const found = name === 'latest' ? newest : backups.find(({ id }) => id === name);
  if (found !== undefined) return found;
  if (newest === undefined)
    throw new MaintError('USAGE', `there is no backup of ${label} in ${place}`, {
      hint: 'Name the directory of the backups with --directory, or one of the copies with --copy.',
      detail: 'backup.none',
    });
  throw new MaintError('USAGE', `there is no backup ${name} of ${label} in ${place}`, {
    hint: `The newest is ${newest.id}; the names of the folders are the ids.`,
    detail: 'backup.unknown',
  });
}
