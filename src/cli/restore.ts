import { dirname } from 'node:path';
import { describeConnection } from '../adapters/connection.ts';
import { isDirectory } from '../adapters/directories.ts';
import { takeHostLock } from '../adapters/host-lock.ts';
import { describePart, restoreDatabase, type PlannedRestore } from '../backups/restore-database.ts';
import { openMaintenance } from '../backups/restore-session.ts';
import { swap, type Swap } from '../backups/restore-swap.ts';
import { sweepSandboxes } from '../backups/sandbox.ts';
import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { signalExitCode } from './exit-code.ts';
import type { RestoreInvocation } from './restore-invocation.ts';
import { openProgress } from './progress.ts';
import { guideRestore } from './restore-guide.ts';
import { journalRestore } from './restore-journal.ts';
import { namesOf } from './restore-names.ts';
import { isElsewhere } from './restore-places.ts';
import type { Surroundings } from './restore-backup.ts';
import { planFor } from './restore-request.ts';
import { unfinishedLines } from './restore-sweep.ts';
import { restoreText, type RestoreStory } from './restore-text.ts';
import { stateDirectory } from './state-directory.ts';
import { listenForStop } from './stopping.ts';

/** What is restored, after everything was looked at. */
interface Asked {
  readonly invocation: RestoreInvocation;
  readonly plan: PlannedRestore;
}

/** Exit code where a person at the terminal thought better of it: nothing was touched. */
const DECLINED = 2;

/**
 * `maint restore`: a backup, or a part of one, becomes a new database beside the live one, is compared with its manifest,
 * and what to do next is said. With nothing else typed at a terminal it asks first.
 * @returns 0 where the new database is as it was backed up, 1 where it is not, 128+n after a signal
 * @throws MaintError when nothing was touched (exit code 2 or 4), or when the server failed on the way
 */
export async function restoreCommand(invocation: RestoreInvocation, world: World): Promise<number> {
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  using stopping = listenForStop(world, false);
  using progress = openProgress({ world, isWanted: invocation.format === 'text' });
  const surroundings = { config, world, progress, signal: stopping.signal };
  const isGuided = invocation.isBare && world.isInteractive && invocation.format === 'text';
  let isBegun = false;
  try {
    const asked = isGuided
      ? await guideRestore(invocation, surroundings)
      : { invocation, plan: await planFor(invocation, surroundings) };
    if (asked === undefined) return DECLINED;
    const names = namesOf(asked.plan, liveOf(asked, surroundings), world);
    requireConfirmation(invocation, names);
    for (const line of unfinishedLines(asked.plan.unfinished)) progress.aside.write(`maint: ${line}\n`);
    if (invocation.dryRun) return say(asked, world, { names, tables: [], restored: undefined });
    isBegun = true;
    return await carryOut(asked, names, { ...surroundings, stoppedBy: () => stopping.stoppedBy() });
  } catch (error) {
    const stoppedBy = stopping.stoppedBy();
    if (stoppedBy === null) throw error;
    const left = invocation.keep ? 'what was restored so far stays' : 'the new database was dropped again';
    progress.aside.write(`maint: stopped; ${isBegun ? left : 'nothing was touched'}\n`);
    return signalExitCode(stoppedBy);
  }
}

interface Working extends Surroundings {
  readonly stoppedBy: () => ReturnType<ReturnType<typeof listenForStop>['stoppedBy']>;
}

async function carryOut(asked: Asked, names: Swap, working: Working): Promise<number> {
  const { config, world, progress, signal } = working;
  const { plan, invocation } = asked;
  await sweepSandboxes(plan.scratchParent, world.now());
  const directory = stateDirectory(world, invocation.common, config);
  using journal = openJournal(directory, world.now());
  const { manifest, name, connection } = plan;
  const entry = journalRestore({
    journal,
    config,
    world,
    title: `${manifest.id} into ${name}`,
    database: describeConnection({ ...connection, database: name }),
    facts: { backup: manifest.id, copy: plan.entry.store.name, database: name },
  });
  try {
    const restored = await restoreDatabase(plan, signal);
    const isGood = restored.findings.length === 0;
    if (invocation.swap && isGood) await swapNow(plan, names, directory);
    const tables = isGood ? await describePart(plan, names.live, signal) : [];
    const { findings, loadSeconds, indexSeconds } = restored;
    entry.finished(findings, { loadSeconds, indexSeconds });
    progress[Symbol.dispose]();
    for (const notice of journal.notices) progress.aside.write(`maint: ${notice}\n`);
    return say(asked, world, { names, tables, restored });
  } catch (error) {
    entry.failed(error, working.stoppedBy());
    throw error;
  }
}

function say({ invocation, plan }: Asked, { stdout, version }: World, story: Omit<RestoreStory, 'plan'>): number {
  stdout.write(restoreText(invocation, { ...story, plan }, version));
  return (story.restored?.findings.length ?? 0) === 0 ? 0 : 1;
}

/** The live database is the configured one; on another server it has the name that was backed up. */
function liveOf({ invocation: { target }, plan: { connection, manifest } }: Asked, { config }: Surroundings): string {
  return isElsewhere(target) ? manifest.database : (config.database.connection ?? connection).database;
}

function requireConfirmation({ swap: isSwap, confirm }: RestoreInvocation, { live }: Swap): void {
  if (!isSwap || confirm === live) return;
  throw new MaintError('USAGE', `--confirm says ${confirm ?? 'nothing'}, the live database is ${live}`, {
    hint: `Write --confirm ${live} if that is the database whose place is to be taken.`,
  });
}

async function swapNow(plan: PlannedRestore, names: Swap, directory: string): Promise<void> {
  try {
    using _ = lockForSwap(directory);
    await using session = await openMaintenance(plan, 'read-write');
    await swap(session, names);
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    const { live, restored } = names;
    const message = `${restored} is restored and whole, but not in the place of ${live}: ${error.message}`;
    throw new MaintError(error.code, message, {
      hint: `Stop what uses ${live}, and rename the two by hand: docs/runbooks/restore.md, "Put it in the place of the live database".`,
      detail: 'restore.not_swapped',
      cause: error,
    });
  }
}

/** A swap cuts off every session, that of a running backup too: then it is the backup's turn first. */
function lockForSwap(directory: string): Disposable | undefined {
  const locked = isDirectory(directory) ? directory : dirname(directory);
  try {
    const lock = takeHostLock(locked);
    if (lock !== undefined) return lock;
  } catch (error) {
    // A host without a way to lock, or without a state directory, keeps nobody apart: no reason to stay down.
    if (error instanceof MaintError) return undefined;
    throw error;
  }
  throw new MaintError('LOCKED', 'another run of maint on this host is at work');
}
