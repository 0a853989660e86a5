import { randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { runForeign } from '../adapters/foreign-command.ts';
import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import { currentSlot } from '../engine/cadence.ts';
import type { LedgerEntry } from '../engine/ledger.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { NO_COORDINATOR } from './coordinated.ts';
import { requireTime } from './cron-times.ts';
import { commandEnding } from './exec-ending.ts';
import type { ExecInvocation, RunInvocation } from './invocation.ts';
import { entriesOf, jobsOf, RESERVED_JOBS } from './jobs.ts';
import { jobLine, type JobSlot } from './ledger-line.ts';
import { openLog } from './log.ts';
import { ownTask } from './own-task.ts';
import { reporter, type Plan } from './reporting.ts';
import { openSessions } from './sessions.ts';
import { noteSkipped } from './skipped.ts';
import { stateDirectory } from './state-directory.ts';
import { tellChannels, tellEnd, tellStart } from './telling.ts';
import { DONE_HERE_ONLY, LOST_AT_THE_END, lostLease, takeTurn } from './turn.ts';
import { usage } from './usage.ts';

/**
 * `maint exec -- command …`: a foreign command with the lock, the ledger, the ping and the alert that a round has.
 * @returns the exit code of the command
 * @throws MaintError when it was not begun: configuration, lock, slot
 */
export async function execCommand(invocation: ExecInvocation, world: World): Promise<number> {
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  const plan = planOf(invocation, config, world);
  try {
    return await carryOut(plan, invocation, world);
  } catch (error) {
    if (!(error instanceof MaintError) || error.exitCode !== 3) throw error;
    noteSkipped(plan, error, world);
    if (!invocation.cron) throw error;
    return 0;
  }
}

type ExecPlan = Plan & { readonly job: JobSlot };

function planOf(invocation: ExecInvocation, config: Config, world: World): ExecPlan {
  const job = invocation.job ?? jobNameOf(invocation.argv);
  refuseOwnName(job, config);
  return {
    invocation: runOf(invocation, job),
    config,
    selected: [],
    run: randomUUID(),
    startedAt: world.now(),
    startedMs: world.monotonicMs(),
    stateDirectory: stateDirectory(world, invocation.common, config),
    job: { job, slot: slotOf(invocation, { job, config }, world), isCatchUp: false },
    faults: [],
  };
}

/** A name for a command that nobody gave one: that of its program. */
function jobNameOf([program = '']: readonly string[]): string {
  const name = basename(program)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+|-+$/g, '');
  return name === '' ? 'command' : name;
}

/** The ledger knows a job by its name alone. */
function refuseOwnName(job: string, { tasks: own }: Config): void {
  if (!RESERVED_JOBS.includes(job) && !own.some(({ task }) => task.name === job)) return;
  throw usage(`a command cannot be the job "${job}", for maint has one of that name`, 'Give it another with --job.');
}

function runOf({ common, cron }: ExecInvocation, job: string): RunInvocation {
  const nothing = { only: [], skip: [], overrides: [], junit: undefined, textfile: undefined, dryRun: false };
  const select = { tasks: [] };
  return { kind: 'run', command: `exec ${job}`, select, failOn: 'fail', format: 'text', ...nothing, common, cron };
}

/** @throws MaintError USAGE where the slot follows from a schedule that nobody has written down */
function slotOf(
  { slot }: ExecInvocation,
  { job, config }: { readonly job: string; readonly config: Config },
  world: World,
): Date | undefined {
  if (slot === undefined) return undefined;
  if (slot !== 'auto') return requireTime(slot, config.timezone, '--slot');
  const known = jobsOf(config).find(({ name }) => name === job);
  if (known !== undefined) return currentSlot(known.cadence, world.now());
  throw usage(`nobody knows the schedule of ${job}`, `Write it down: jobs: [{ name: ${job}, schedule: 30 1 * * * }]`);
}

async function carryOut(plan: ExecPlan, invocation: ExecInvocation, world: World): Promise<number> {
  const { config, run, job } = plan;
  const settings = config.jobs.find(({ name }) => name === job.job);
  using journal = openJournal(plan.stateDirectory, world.now());
  using diary = openLog({
    directory: journal.isDurable ? plan.stateDirectory : undefined,
    stderr: world.stderr,
    verbose: invocation.common.verbose,
    level: config.logLevel,
    fields: { run, maint: world.version },
    now: () => world.now(),
  });
  const telling = {
    config: { ...config, heartbeatUrl: settings?.heartbeat },
    world,
    journal,
    log: diary.log,
    lockDirectory: join(plan.stateDirectory, 'alerts'),
    job: job.job,
  };
  await using sessions = openSessions(config, 'maint/exec');
  await using turn = await takeTurn({
    ...plan,
    scope: 'job',
    job: job.job,
    slot: job.slot,
    journal,
    coordination: job.slot === undefined ? undefined : sessions.coordination,
    project: config.project,
    host: world.hostname,
    // The command is not ours to end; what it has done is told apart by the fence.
    onLost: () => undefined,
  });
  const earlier = entriesOf(journal, job.job, world);
  refuseOrphan(earlier);
  const line = jobLine(plan, journal.ledger, world);
  journal.begin(reporter(plan, world).start());
  line.holds(turn.fence);
  line.begin();
  await tellStart(run, telling);
  const startedMs = world.monotonicMs();
  const end =
    turn.uncoordinated === undefined
      ? await runForeign({
          argv: invocation.argv,
          timeoutMs: invocation.timeoutMs ?? settings?.timeout,
          onStopSignal: (listener) => world.onStopSignal(listener),
          onStart: (pid) => line.runsAs(pid),
        })
      : undefined;
  const durationMs = world.monotonicMs() - startedMs;
  const ending = commandEnding({ job: job.job, end, durationMs, earlier, uncoordinated: turn.uncoordinated });
  const lost = lostLease(turn.fence, await turn.lostTo());
  const report = reporter(plan, world).finish({
    tasks: [ownTask({ task: `exec ${job.job}`, planned: true, steps: [{ title: job.job, ending }] }, world)],
    stoppedBy: null,
    assumptions: turn.assumptions,
    notices: () => [...(lost === undefined ? [] : [lost]), ...turn.notices, ...journal.notices, ...diary.notices()],
    fence: turn.fence,
  });
  journal.finish(report);
  const alerts = await tellChannels(report, telling);
  const exitCode = end === undefined ? 4 : end.hasTimedOut ? TIMED_OUT : end.exitCode;
  if (end === undefined) line.skip(NO_COORDINATOR, exitCode);
  else if (lost !== undefined) line.lose(lost, exitCode);
  else {
    const finished = await turn.finishSlot(world.now(), report.verdict);
    const isKilled = end.hasTimedOut || end.signal !== null;
    if (finished === 'lost') line.lose(LOST_AT_THE_END, exitCode);
    else line.end({ ...report, stoppedBy: isKilled ? 'SIGTERM' : null }, exitCode);
    if (finished === 'here') world.stderr.write(`maint: ${DONE_HERE_ONLY}\n`);
  }
  // A switch that hears of success is trusted to hear of failure too: not while nobody can be told.
  await tellEnd(run, exitCode === 0 && alerts.undelivered > 0 ? 1 : exitCode, telling);
  for (const text of [...(ending.verdict === 'done' ? [] : [`${job.job}: ${ending.summary}`]), ...report.notices])
    world.stderr.write(`maint: ${text}\n`);
  if (alerts.undelivered > 0) world.stderr.write('maint: no channel took the alert; it is kept for the next run\n');
  return exitCode;
}

/** As timeout(1) has it. */
const TIMED_OUT = 124;

/** A command lives on where maint was killed with -9; a second one must not begin beside it. */
function refuseOrphan(entries: readonly LedgerEntry[]): void {
  const orphan = entries.find(({ status }) => status === 'running');
  if (orphan === undefined) return;
  throw new MaintError(
    'LOCKED',
    `the command that ${orphan.job} began at ${orphan.startedAt} still runs: process ${orphan.pid}`,
    {
      hint: 'Wait until it ends, or end it.',
    },
  );
}
