import { findBackup } from '../backups/restore-pick.ts';
import type { Manifest } from '../backups/manifest.ts';
import type { BackupEntry } from '../backups/repository.ts';
import { MaintError } from '../base/errors.ts';
import { printable, redacted } from '../base/printable.ts';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { directoryOf } from './backups-holding.ts';
import type { ProgressLine } from './progress.ts';
import type { RestoreInvocation } from './restore-invocation.ts';
import { objectionsTo } from './restore-offer.ts';
import { identityOf, storeOf } from './restore-places.ts';

/** What a restore works in. */
export interface Surroundings {
  readonly config: Config;
  readonly world: World;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

/** Where a backup is looked for, and with what it is read. */
type Asked = Pick<RestoreInvocation, 'backup' | 'copy' | 'directory' | 'identity' | 'common'>;

/** The backup that is restored from. */
interface Chosen {
  readonly entry: BackupEntry;
  readonly manifest: Manifest;
  /** The keys that open it. */
  readonly identity: Secret | undefined;
}

/**
 * Finds the backup that a person named, and says what speaks against it.
 * @throws MaintError FILE_UNUSABLE where its manifest cannot be read; as `identityOf`, `storeOf` and `findBackup`
 */
export async function chosenBackup(asked: Asked, surroundings: Surroundings): Promise<Chosen> {
  const { config, world, progress, signal } = surroundings;
  const label = config.project;
  const identity = await identityOf(asked, config, world);
  const store = await storeOf(asked, config, world);
  const entry = await findBackup({ store, label, name: asked.backup }, signal);
  const { id, location, manifest } = entry;
  if (manifest === undefined)
    throw new MaintError('FILE_UNUSABLE', `the manifest of backup ${id} is missing or cannot be read`, {
      hint: `Restore an older backup, or follow ${location}/RESTORE.md by hand.`,
    });
  const directory = directoryOf(asked, config, world);
  for (const objection of await objectionsTo(entry, { directory, label, now: world.now() }))
    progress.aside.write(`maint: ${printable(redacted(objection))}\n`);
  return { entry, manifest, identity };
}
