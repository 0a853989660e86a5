import { MaintError } from '../base/errors.ts';
import { startOf } from './layout.ts';
import type { BackupEntry } from './repository.ts';

/** What a person typed, and where it was looked for. */
interface Named {
  /** An id, or `latest`. */
  readonly name: string;
  readonly label: string;
  /** For the message: a path, or the name of a copy. */
  readonly where: string;
}

/**
 * Finds the backup that a person names among those of one place.
 * @param entries newest first
 * @throws MaintError USAGE where there is none of that name
 */
export function chooseBackup(entries: readonly BackupEntry[], { name, label, where }: Named): BackupEntry {
  const [newest] = entries;
  const found = name === 'latest' ? newest : entries.find(({ id }) => id === name);
  if (found !== undefined) return found;
  if (newest === undefined)
    throw new MaintError('USAGE', `there is no backup of ${label} in ${where}`, {
      hint: 'Name another directory with --directory, or a copy with --copy.',
      detail: 'backup.none',
    });
  const what = startOf(name) === undefined ? `${name} is no id of a backup` : `there is no backup ${name}`;
  throw new MaintError('USAGE', `${what} of ${label} in ${where}`, {
    hint: `The newest is ${newest.id}; \`maint backups list\` shows all.`,
    detail: 'backup.unknown',
  });
}
