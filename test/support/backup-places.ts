import type { BackupPlaces } from '../../src/engine/backup-places.ts';

/** Backups in one directory of this host: no copies, no encryption, no files. */
export function placesAt(directory: string): BackupPlaces {
  return { directory, copies: [], recipients: [], identity: undefined, fileSets: [] };
}
