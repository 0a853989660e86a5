import { listFolder } from '../adapters/files.ts';
import type { Store } from '../adapters/store.ts';
import { MaintError } from '../base/errors.ts';
import type { BackupPlaces } from '../engine/backup-places.ts';
import { localStore } from './repository.ts';
import { LOCAL } from './layout.ts';

/** Where backups may be looked for. */
interface Choice {
  readonly places: Pick<BackupPlaces, 'copies'>;
  /** The ones of this host. */
  readonly directory: string;
  /** `local`, or the name of a copy; this host where undefined. */
  readonly copy: string | undefined;
}

/**
 * Opens the place that a person names.
 * @throws MaintError USAGE where no copy has that name, FILE_UNUSABLE where this host has no such directory: a missing
 *   mount is no missing backup
 */
export async function chooseStore({ places, directory, copy }: Choice): Promise<Store> {
  if (copy !== undefined && copy !== LOCAL) return copyNamed(places, copy);
  await requireFolder(directory);
  return localStore(directory);
}

/**
 * Makes sure that this host has a place for backups.
 * @throws MaintError FILE_UNUSABLE where it has not
 */
export async function requireFolder(directory: string): Promise<void> {
  if ((await listFolder(directory)) !== undefined) return;
  throw new MaintError('FILE_UNUSABLE', `${directory} does not exist`, {
    hint: 'Check backups.directory and the directory of the task, and that the disk is mounted.',
  });
}

function copyNamed({ copies }: Pick<BackupPlaces, 'copies'>, name: string): Store {
  const place = copies.find((each) => each.name === name);
  if (place !== undefined) return place.open();
  const names = [LOCAL, ...copies.map((each) => each.name)];
  throw new MaintError('USAGE', `there is no copy ${name}`, {
    hint: `The configuration knows ${names.join(', ')}; others are added under backups.copies.`,
  });
}
