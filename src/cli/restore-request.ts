import { clientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment } from '../adapters/connection.ts';
import { processorCount, temporaryFolder } from '../adapters/scratch.ts';
import { dumpOf } from '../backups/manifest.ts';
import { planRestore, type PlannedRestore, type RestoreRequest } from '../backups/restore-database.ts';
import { chosenBackup, type Surroundings } from './restore-backup.ts';
import type { RestoreInvocation } from './restore-invocation.ts';
import { timedName } from './restore-names.ts';
import { targetOf } from './restore-places.ts';

/**
 * Looks whether what was asked for can be done. Reads only.
 * @throws MaintError that names every obstacle at once
 */
export async function planFor(invocation: RestoreInvocation, surroundings: Surroundings): Promise<PlannedRestore> {
  return planRestore(await requestOf(invocation, surroundings), surroundings.signal);
}

async function requestOf(invocation: RestoreInvocation, surroundings: Surroundings): Promise<RestoreRequest> {
  const { config, world, progress } = surroundings;
  const connection = targetOf(invocation.target, config, world);
  const { entry, manifest, identity } = await chosenBackup(invocation, surroundings);
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
