import { resolve } from 'node:path';
import { clientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment } from '../adapters/connection.ts';
import { processorCount, temporaryFolder } from '../adapters/scratch.ts';
import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import type { Manifest } from '../backups/manifest.ts';
import {
  openMaintenance,
  planRestore,
  restoreDatabase,
  type PlannedRestore,
  type RestoreRequest,
} from '../backups/restore-database.ts';
import { findBackup } from '../backups/restore-pick.ts';
import { swap, type Swap } from '../backups/restore-swap.ts';
import { sweepSandboxes } from '../backups/sandbox.ts';
import { requireDatabase, type Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import { isMapping } from '../config/tree.ts';
import { tasks } from '../tasks/index.ts';
import { signalExitCode } from './exit-code.ts';
import type { RestoreInvocation } from './invocation.ts';
import { openProgress, type ProgressLine } from './progress.ts';
import { restoreText, type RestoreStory } from './restore-text.ts';
import { backupDirectory } from './state-directory.ts';
import { listenForStop } from './stopping.ts';

/**
 * `maint restore`: a backup becomes a new database beside the live one, is compared with its manifest, and what to do
 * next is said.
 * @returns 0 where the new database is as it was backed up, 1 where it is not, 128+n after a signal
 * @throws MaintError when nothing was touched (exit code 2 or 4), or when the server failed on the way
 */
export async function restoreCommand(invocation: RestoreInvocation, world: World): Promise<number> {
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  using stopping = listenForStop(world, false);
  using progress = openProgress({ world, isWanted: invocation.format === 'text' });
  const { signal } = stopping;
  try {
    const plan = await planRestore(await requestOf(invocation, config, { world, progress }), signal);
    const names = namesOf(plan, world);
    requireConfirmation(invocation, names);
    if (invocation.dryRun) return say(invocation, world, { plan, names, restored: undefined });
    await sweepSandboxes(plan.scratchParent, world.now());
    const restored = await restoreDatabase(plan, signal);
    if (invocation.swap && restored.findings.length === 0) await swapNow(plan, names);
    progress[Symbol.dispose]();
    return say(invocation, world, { plan, names, restored });
  } catch (error) {
    const stoppedBy = stopping.stoppedBy();
    if (stoppedBy === null) throw error;
    progress.aside.write(
      `maint: stopped; ${invocation.keep ? 'what was restored so far stays' : 'the new database was dropped again'}\n`,
    );
    return signalExitCode(stoppedBy);
  }
}

function say(invocation: RestoreInvocation, { stdout, version }: World, story: RestoreStory): number {
  stdout.write(restoreText(invocation, story, version));
  return (story.restored?.findings.length ?? 0) === 0 ? 0 : 1;
}

interface Surroundings {
  readonly world: World;
  readonly progress: ProgressLine;
}

async function requestOf(
  invocation: RestoreInvocation,
  config: Config,
  { world, progress }: Surroundings,
): Promise<RestoreRequest> {
  const connection = requireDatabase(config);
  const entry = await findBackup(directoryOf(invocation, config, world), config.project, invocation.backup);
  const { id, folder, manifest } = entry;
  if (manifest === undefined)
    throw new MaintError('FILE_UNUSABLE', `the manifest of backup ${id} is missing or cannot be read`, {
      hint: `Restore an older backup, or follow ${folder}/RESTORE.md by hand.`,
    });
  return {
    folder,
    manifest,
    connection,
    limits: config.database.limits,
    clients: clientPrograms(config.programDirectories, world.env['PATH'], libpqEnvironment(connection)),
    name: invocation.toDatabase ?? timedName(manifest.database, 'restored', world),
    jobs: invocation.jobs ?? processorCount(),
    keepsOwners: invocation.owner,
    createsRoles: invocation.createRoles,
    keepsFailed: invocation.keep,
    scratchParent: temporaryFolder(),
    onBytes: (bytes) => progress.progressed({ done: bytes, total: dumpBytes(manifest), unit: 'bytes' }),
    onPhase: (phase) => progress.stepStarted('restore', phase),
  };
}

function dumpBytes({ artifacts }: Manifest): number {
  return artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** As the task that writes them has it. */
function directoryOf({ directory }: RestoreInvocation, config: Config, world: World): string {
  if (directory !== undefined) return resolve(world.cwd, directory);
  const settings = config.tasks.find(({ task }) => task.name === 'backup')?.settings;
  const own = isMapping(settings) ? settings['directory'] : undefined;
  return typeof own === 'string' ? resolve(world.cwd, own) : backupDirectory(world, config.backupDirectory);
}

/** At most 63 bytes, as PostgreSQL has it. */
function timedName(database: string, what: 'restored' | 'before', world: World): string {
  const time = world.now().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
  const suffix = `_${what}_${time}`;
  let stem = database;
  while (Buffer.byteLength(stem + suffix) > 63) stem = stem.slice(0, -1);
  return stem + suffix;
}

/** The live database is the configured one, if the server has it. */
function namesOf({ name, server, connection }: PlannedRestore, world: World): Swap {
  const live = connection.database;
  return {
    live,
    restored: name,
    before: server.databases.includes(live) ? timedName(live, 'before', world) : undefined,
  };
}

function requireConfirmation({ swap, confirm }: RestoreInvocation, { live }: Swap): void {
  if (!swap || confirm === live) return;
  throw new MaintError('USAGE', `--confirm says ${confirm ?? 'nothing'}, the live database is ${live}`, {
    hint: `Write --confirm ${live} if that is the database whose place is to be taken.`,
  });
}

async function swapNow(plan: PlannedRestore, names: Swap): Promise<void> {
  await using session = await openMaintenance(plan, 'read-write');
  try {
    await swap(session, names);
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    const { live, restored } = names;
    const message = `${restored} is restored and whole, but not in the place of ${live}: ${error.message}`;
    throw new MaintError(error.code, message, {
      hint: `Stop what uses ${live}, and rename the two by hand: docs/runbooks/restore.md, step 5.`,
      detail: 'restore.not_swapped',
      cause: error,
    });
  }
}
