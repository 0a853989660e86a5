import { dirname, join, resolve } from 'node:path';
import { clientPrograms } from '../adapters/client-programs.ts';
import { planFiles, restoreFiles, type PlannedFiles } from '../backups/restore-files.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { signalExitCode } from './exit-code.ts';
import { chosenBackup, type Surroundings } from './restore-backup.ts';
import type { RestoreFilesInvocation } from './restore-invocation.ts';
import { openProgress } from './progress.ts';
import { restoreFilesText } from './restore-files-text.ts';
import { journalRestore } from './restore-journal.ts';
import { timedName } from './restore-names.ts';
import { stateDirectory } from './state-directory.ts';
import { listenForStop } from './stopping.ts';

/**
 * `maint restore --files`: files of the application come back into a folder of their own, or, where that is allowed, into
 * one that others lie in already. Every file is read back against its checksum before any gets its name.
 * @returns 0 where all are as they were backed up, 1 where they are not, 128+n after a signal
 * @throws MaintError when nothing was touched (exit code 2 or 4), or when the disk failed on the way
 */
export async function restoreFilesCommand(invocation: RestoreFilesInvocation, world: World): Promise<number> {
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  using stopping = listenForStop(world, false);
  using progress = openProgress({ world, isWanted: invocation.format === 'text' });
  const surroundings = { config, world, progress, signal: stopping.signal };
  try {
    const plan = await planFor(invocation, surroundings);
    const restored = invocation.dryRun
      ? undefined
      : await carryOut({ invocation, plan }, { ...surroundings, stoppedBy: () => stopping.stoppedBy() });
    progress[Symbol.dispose]();
    world.stdout.write(restoreFilesText(invocation, { plan, restored }, world.version));
    return (restored?.findings.length ?? 0) === 0 ? 0 : 1;
  } catch (error) {
    const stoppedBy = stopping.stoppedBy();
    if (stoppedBy === null) throw error;
    progress.aside.write('maint: stopped; what was unpacked was removed again\n');
    return signalExitCode(stoppedBy);
  }
}

async function planFor(invocation: RestoreFilesInvocation, surroundings: Surroundings): Promise<PlannedFiles> {
  const { config, world, progress } = surroundings;
  const { entry, manifest, identity } = await chosenBackup(invocation, surroundings);
  const was = manifest.fileSets?.find(({ name }) => name === invocation.files)?.directory ?? invocation.files;
  const target =
    invocation.toDirectory ?? join(dirname(was), timedName(was.split('/').at(-1) ?? '', 'restored', world));
  return planFiles({
    entry,
    manifest,
    keys: { clients: clientPrograms(config.programDirectories, world.env['PATH'], {}), identity },
    set: invocation.files,
    target: resolve(world.cwd, target),
    overwrites: invocation.overwrite,
    keepsFailed: invocation.keep,
    onBytes: (done, total) => progress.progressed({ done, total, unit: 'bytes' }),
    onPhase: (phase) => progress.stepStarted('restore', phase),
  });
}

interface Asked {
  readonly invocation: RestoreFilesInvocation;
  readonly plan: PlannedFiles;
}

interface Working extends Surroundings {
  readonly stoppedBy: () => ReturnType<ReturnType<typeof listenForStop>['stoppedBy']>;
}

async function carryOut({ invocation, plan }: Asked, working: Working): ReturnType<typeof restoreFiles> {
  const { config, world, progress, signal } = working;
  using journal = openJournal(stateDirectory(world, invocation.common, config), world.now());
  const entry = journalRestore({
    journal,
    config,
    world,
    title: `files ${plan.set} of ${plan.manifest.id} into ${plan.target}`,
    database: null,
    facts: { backup: plan.manifest.id, copy: plan.entry.store.name, files: plan.set, directory: plan.target },
  });
  try {
    const restored = await restoreFiles(plan, signal);
    entry.finished(restored.findings, { seconds: restored.seconds });
    for (const notice of journal.notices) progress.aside.write(`maint: ${notice}\n`);
    return restored;
  } catch (error) {
    entry.failed(error, working.stoppedBy());
    throw error;
  }
}
