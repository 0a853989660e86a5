import { join } from 'node:path';
import { clientPrograms } from '../adapters/client-programs.ts';
import { makeFolder } from '../adapters/files.ts';
import { copyFolder, temporaryFolder } from '../adapters/scratch.ts';
import { backupFolder, REPOSITORY_FILE } from '../backups/layout.ts';
import { openScratch, sweepSandboxes, type Scratch } from '../backups/sandbox.ts';
import { standingsOf } from '../backups/standing.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import { tasks } from '../tasks/index.ts';
import { readHolding } from './backups-holding.ts';
import type { SelftestInvocation } from './backups-invocation.ts';
import { signalExitCode } from './exit-code.ts';
import { addEmpty, openBench, takeSubjects, type Bench } from './selftest/bench.ts';
import { damageFiles, falseAlarms, type Subject, type Workshop } from './selftest/files.ts';
import type { FaultResult } from './selftest/result.ts';
import { breakBackups, withoutServer } from './selftest/server.ts';
import { selftestText } from './selftest/text.ts';
import { listenForStop } from './stopping.ts';

/**
 * `maint backups selftest`: injects every known fault, each into a copy of a small backup or into the taking of one, and
 * expects the alarm. Nothing but a scratch folder is written.
 * @returns 1 where an alarm was missed
 */
export async function backupsSelftestCommand(invocation: SelftestInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  using stopping = listenForStop(world, false);
  await sweepSandboxes(temporaryFolder(), world.now());
  const scratch = await openScratch(temporaryFolder());
  const text = selftestText(invocation, world);
  const workshop: Workshop = {
    folder: scratch.folder,
    programs: config.programDirectories,
    keep: invocation.keep,
    world,
    signal: stopping.signal,
    onResult: text.tell,
  };
  try {
    const { results, why } = await testAll(invocation, config, { scratch, workshop });
    stdout.write(text.end(results, { why, kept: invocation.keep ? scratch.folder : undefined }));
    return results.some(({ status }) => status === 'missed') ? 1 : 0;
  } catch (error) {
    const stoppedBy = stopping.stoppedBy();
    if (stoppedBy === null) throw error;
    return signalExitCode(stoppedBy);
  } finally {
    if (!invocation.keep) await scratch[Symbol.asyncDispose]();
  }
}

interface Place {
  readonly scratch: Scratch;
  readonly workshop: Workshop;
}

interface Tested {
  readonly results: readonly FaultResult[];
  /** Why no server could be started; undefined where one was. */
  readonly why: string | undefined;
}

async function testAll(invocation: SelftestInvocation, config: Config, { scratch, workshop }: Place): Promise<Tested> {
  const { world } = workshop;
  const clients = clientPrograms(config.programDirectories, world.env['PATH'], {});
  const bench = await openBench(scratch, clients, world).catch(unstartable);
  if (bench instanceof MaintError) {
    const why = bench.message;
    const subject = await newestSubject(invocation, { scratch, workshop }, why);
    await requireQuiet(subject, workshop);
    return { results: [...withoutServer(why), ...(await damageFiles(subject, workshop))], why };
  }
  await using server = bench;
  return { results: await testWith(server, workshop), why: undefined };
}

async function testWith(bench: Bench, workshop: Workshop): Promise<readonly FaultResult[]> {
  const subjects = await takeSubjects(bench, workshop);
  const results: FaultResult[] = [];
  for (const subject of subjects) await requireQuiet(subject, workshop);
  const [subject] = subjects;
  if (subject !== undefined) results.push(...(await breakBackups({ ...workshop, bench, subject })));
  for (const whole of await addEmpty(bench, subjects, workshop)) results.push(...(await damageFiles(whole, workshop)));
  return results;
}

/** That this host has no server programs is no reason to test nothing. */
function unstartable(error: unknown): MaintError {
  if (error instanceof MaintError) return error;
  throw error;
}

/** An alarm about a good backup would make every other alarm worthless. */
async function requireQuiet(subject: Subject, workshop: Workshop): Promise<void> {
  const alarms = await falseAlarms(subject, workshop);
  if (alarms.length === 0) return;
  throw new MaintError('PROGRAM_FAILED', `a backup that nobody has touched raises ${alarms.join(', ')}`, {
    hint: 'Look at it with `maint verify-backup`; until that is understood, no alarm means anything.',
    detail: 'selftest.false_alarm',
  });
}

/** Larger backups take too long, and too much room, to be copied for every fault. */
const LARGEST_BYTES = 256 * 2 ** 20;

/** The newest backup of this host, for a host that can start no server. */
async function newestSubject(
  invocation: SelftestInvocation,
  { scratch, workshop }: Place,
  why: string,
): Promise<Subject> {
  const { world, signal } = workshop;
  const { entries, chain, config, label, directory } = await readHolding(invocation, world, signal);
  const { identity } = config.backups;
  const usable = standingsOf({ entries, receipts: chain.receipts, now: world.now() }).find(
    ({ isVerified, entry }) =>
      isVerified &&
      entry.bytes <= LARGEST_BYTES &&
      (entry.manifest?.encryption === undefined || identity !== undefined),
  );
  const manifest = usable?.entry.manifest;
  if (manifest === undefined)
    throw new MaintError('PROGRAM_MISSING', `there is nothing to test with: ${why}`, {
      hint: `Install the server package of PostgreSQL, or have a good backup of at most ${formatBytes(LARGEST_BYTES)} that this host can open.`,
    });
  const place = join(scratch.folder, 'newest');
  const folder = backupFolder(place, label, manifest.id);
  await makeFolder(join(folder, '..'));
  await copyFolder(backupFolder(directory, label, manifest.id), folder);
  await copyFolder(join(directory, REPOSITORY_FILE), join(place, REPOSITORY_FILE));
  return { name: 'newest', directory: place, label, manifest, identity, empty: undefined };
}
