import { clientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment } from '../adapters/connection.ts';
import { processorCount, temporaryFolder } from '../adapters/scratch.ts';
import { dumpOf } from '../backups/manifest.ts';
import { planRestore, type PlannedRestore, type RestoreRequest } from '../backups/restore-database.ts';
import { findBackup } from '../backups/restore-pick.ts';
import { MaintError } from '../base/errors.ts';
import { printable, redacted } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { directoryOf } from './backups-holding.ts';
import type { RestoreInvocation } from './restore-invocation.ts';
import type { ProgressLine } from './progress.ts';
import { timedName } from './restore-names.ts';
import { objectionsTo } from './restore-offer.ts';
import { identityOf, storeOf, targetOf } from './restore-places.ts';

/** What a restore works in. */
export interface Surroundings {
  readonly config: Config;
  readonly world: World;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

/**
 * Looks whether what was asked for can be done. Reads only.
 * @throws MaintError that names every obstacle at once
 */
export async function planFor(invocation: RestoreInvocation, surroundings: Surroundings): Promise<PlannedRestore> {
  return planRestore(await requestOf(invocation, surroundings), surroundings.signal);
}

async function requestOf(invocation: RestoreInvocation, surroundings: Surroundings): Promise<RestoreRequest> {
  const { config, world, progress, signal } = surroundings;
  const connection = targetOf(invocation.target, config, world);
  const identity = await identityOf(invocation, config, world);
  const store = await storeOf(invocation, config, world);
  const entry = await findBackup({ store, label: config.project, name: invocation.backup }, signal);
  const { id, location, manifest } = entry;
  if (manifest === undefined)
    throw new MaintError('FILE_UNUSABLE', `the manifest of backup ${id} is missing or cannot be read`, {
      hint: `Restore an older backup, or follow ${location}/RESTORE.md by hand.`,
    });
  const directory = directoryOf(invocation, config, world);
  for (const objection of await objectionsTo(entry, { directory, label: config.project, now: world.now() }))
    progress.aside.write(`maint: ${printable(redacted(objection))}\n`);
  const clients = clientPrograms(config.programDirectories, world.env['PATH'], libpqEnvironment(connection));
  const total = dumpOf(manifest)?.bytes;
  return {
    entry,
    keys: { clients, identity },
    manifest,
    choice: invocation,
    connection,
    limits: config.database.limits,
    clients,
    name: invocation.toDatabase ?? timedName(manifest.database, 'restored', world),
    jobs: invocation.jobs ?? processorCount(),
    keepsOwners: invocation.owner,
    createsRoles: invocation.createRoles,
    keepsFailed: invocation.keep,
    scratchParent: temporaryFolder(),
    onBytes: (bytes) => progress.progressed({ done: bytes, unit: 'bytes', ...(total !== undefined && { total }) }),
    onPhase: (phase) => progress.stepStarted('restore', phase),
  };
}
