import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import { requireDatabase, type ConfiguredTask } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import type { RunReport, TaskReport } from '../engine/report.ts';
import { openJournal, openJournalToRead } from '../engine/sqlite-journal.ts';
import { tasks as allTasks } from '../tasks/index.ts';
import { blockedReport, NO_COORDINATOR, parted } from './coordinated.ts';
import { drillNotices } from './drill.ts';
import { exitCodeOf } from './exit-code.ts';
import type { RunInvocation } from './invocation.ts';
import { entriesOf } from './jobs.ts';
import { jobLine } from './ledger-line.ts';
import { openLog } from './log.ts';
import { nagiosCode } from './nagios.ts';
import { openProgress } from './progress.ts';
import { publish } from './publish.ts';
import { rememberedOf } from './remembered.ts';
import { reporter, type Plan } from './reporting.ts';
import { planOf } from './run-plan.ts';
import { resumedRound } from './resume.ts';
import { selectTasks } from './selection.ts';
import { openSessions } from './sessions.ts';
import { noteSkipped } from './skipped.ts';
import { listenForStop } from './stopping.ts';
import { plain } from './style.ts';
import { tellChannels, tellEnd, tellStart } from './telling.ts';
import { toText } from './text.ts';
import { DONE_HERE_ONLY, LOST_AT_THE_END, lostLease, takeTurn, type Turn } from './turn.ts';
import { judgeDuration } from './usual-duration.ts';
import { work } from './work.ts';

/**
 * `maint daily`, `maint run …` and every task by its own name: from the configuration to the exit code.
 * @throws MaintError when nothing could be begun: configuration, database name, lock, slot
 */
export async function runCommand(invocation: RunInvocation, world: World): Promise<number> {
  const { common, overrides } = invocation;
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks: allTasks, overrides });
  const selected = selectTasks(invocation, config);
  if (selected.some(({ task }) => task.withoutDatabase !== true)) requireDatabase(config);
  const plan = planned({ invocation, config, selected }, world);
  try {
    return await carryOut(plan, world);
  } catch (error) {
    if (!invocation.cron || !(error instanceof MaintError) || error.exitCode !== 3) throw error;
    noteSkipped(plan, error, world);
    return 0;
  }
}

function planned(asked: Pick<Plan, 'invocation' | 'config' | 'selected'>, world: World): Plan {
  if (asked.invocation.resume !== true) return planOf(asked, world);
  const { selected, slot } = resumedRound(asked, world);
  const scheduled = slot === undefined ? undefined : { slot, isCatchUp: false };
  const plan = planOf({ ...asked, selected }, world);
  return { ...plan, job: plan.job && { ...plan.job, slot: undefined, ...scheduled } };
}

/** A round that finds another one at work looks again so often, for two hours: its slot must not be lost. */
const PATIENCE = { everyMs: 5_000, tries: 1_440 };

async function carryOut(plan: Plan, world: World): Promise<number> {
  const { invocation, config, run } = plan;
  using journal = invocation.dryRun
    ? openJournalToRead(plan.stateDirectory)
    : openJournal(plan.stateDirectory, world.now());
  using stopping = listenForStop(world, invocation.cron);
  using progress = openProgress({ world, isWanted: !invocation.cron && invocation.format === 'text' });
  using diary = openLog({
    directory: invocation.dryRun || !journal.isDurable ? undefined : plan.stateDirectory,
    stderr: progress.aside,
    verbose: invocation.common.verbose,
    level: config.logLevel,
    fields: { run, maint: world.version },
    now: () => world.now(),
  });
  const { log } = diary;
  const lockDirectory = `${plan.stateDirectory}/alerts`;
  const telling = { config, world, journal, log, lockDirectory, job: plan.job?.job };
  const isTold = !invocation.dryRun;
  const line = jobLine(plan, journal.ledger, world);

  await using sessions = openSessions(config, `maint/${invocation.command}`);
  await using turn = needsTurn(plan)
    ? await takeTurn({
        ...plan,
        ...turnScope(plan),
        job: plan.job?.job,
        slot: plan.job?.slot,
        isForced: invocation.resume === true || invocation.force === true,
        journal,
        coordination: turnScope(plan).scope === 'job' ? undefined : sessions.coordination,
        project: config.project,
        host: world.hostname,
        onLost: () => stopping.stop('another host, which took the lease over'),
        ...(isPatient(plan) && {
          patience: { ...PATIENCE, signal: stopping.signal, onWait: (reason) => line.begin(reason) },
        }),
      })
    : undefined;
  if (isTold) journal.begin(reporter(plan, world).start());
  line.holds(turn?.fence);
  const earlier = plan.job?.slot === undefined ? [] : entriesOf(journal, plan.job.job, world);
  const startedMs = world.monotonicMs();
  line.begin();
  if (isTold && plan.job?.slot !== undefined) await tellStart(run, telling);

  const { uncoordinated } = turn ?? {};
  const { runnable, blocked } = parted(plan.selected, uncoordinated !== undefined && plan.job?.slot !== undefined);
  const worked = await work({
    plan: { ...plan, selected: runnable },
    world,
    sessions,
    journal,
    log,
    observer: progress,
    signal: stopping.signal,
  });
  const lost = lostLease(turn?.fence, await turn?.lostTo());
  const left = uncoordinated === undefined ? [] : blocked.map((task) => blockedReport(task, uncoordinated, world));
  const durationMs = world.monotonicMs() - startedMs;
  const ran = inOrder(plan.selected, [...worked, ...left]);
  const tasks = [
    ...ran,
    ...(plan.job === undefined || stopping.signal.aborted || isPart(invocation)
      ? []
      : judgeDuration({ job: plan.job.job, tasks: ran, durationMs, earlier }, world)),
  ];
  const report = reporter(plan, world).finish({
    tasks,
    stoppedBy: stopping.stoppedBy(),
    assumptions: turn?.assumptions ?? [],
    notices: () => [
      ...drillNotices(plan.faults, tasks),
      ...(lost === undefined ? [] : [lost]),
      ...(turn?.notices ?? []),
      ...journal.notices,
      ...diary.notices(),
    ],
    fence: turn?.fence,
  });
  if (isTold) journal.finish(report);
  const told: RunReport = isTold ? { ...report, alerts: await tellChannels(report, telling) } : report;
  const judged = invocation.format === 'nagios' ? nagiosCode(told) : exitCodeOf(told, invocation.failOn);
  // Whoever has lost the lease has not done the slot, however well it went.
  const exitCode = lost === undefined ? judged : Math.max(judged, 1);
  let finished: Awaited<ReturnType<Turn['finishSlot']>> | undefined;
  if (left.length > 0) line.skip(NO_COORDINATOR, exitCode);
  else if (lost !== undefined) line.lose(lost, exitCode);
  else {
    // A run that was stopped leaves its slot to others.
    finished = stopping.signal.aborted ? undefined : await turn?.finishSlot(world.now(), report.verdict);
    if (finished === 'lost') line.lose(LOST_AT_THE_END, exitCode);
    else line.end(told, exitCode);
  }
  if (isTold && plan.job?.slot !== undefined) await tellEnd(run, exitCode, telling, endedOf(told));
  progress[Symbol.dispose]();
  publish(
    {
      ...told,
      notices: [...new Set([...told.notices, ...(finished === 'here' ? [DONE_HERE_ONLY] : []), ...journal.notices])],
    },
    { invocation, textfile: config.textfile, remembered: rememberedOf(told, journal) },
    world,
  );
  return exitCode;
}

/** Of some tasks of a round nobody knows how long they usually take. */
function isPart({ resume, only, skip }: RunInvocation): boolean {
  return resume === true || only.length + skip.length > 0;
}

/** What a dead man's switch may keep of a run. */
function endedOf(report: RunReport): { readonly summary: string; readonly log: string } {
  const page = { columns: 100, paint: plain, cron: false };
  return { summary: `${report.command}: ${report.verdict}`, log: toText(report, page) };
}

function inOrder(selected: readonly ConfiguredTask[], reports: readonly TaskReport[]): readonly TaskReport[] {
  return selected.flatMap(({ task }) => reports.find((report) => report.task === task.name) ?? []);
}

function isChanging({ selected }: Plan): boolean {
  return selected.some(({ task }: ConfiguredTask) => task.effect !== 'reads');
}

/** A run that only reads waits for nobody: a person must be able to look while a backup runs. */
function needsTurn(plan: Plan): boolean {
  return !plan.invocation.dryRun && (isChanging(plan) || plan.job?.slot !== undefined);
}

/** A round has the project to itself; a task that only reads keeps other runs of itself away, on its own host. */
function turnScope(plan: Plan): { readonly scope: 'project' | 'job' } {
  return { scope: 'tier' in plan.invocation.select || isChanging(plan) ? 'project' : 'job' };
}

/** What cron starts waits for its turn; a tick comes again in five minutes, and a person decides for themselves. */
function isPatient({ invocation, job }: Plan): boolean {
  return invocation.cron && invocation.scheduled === undefined && job?.slot !== undefined;
}
