import type { ClientPrograms } from '../adapters/client-programs.ts';
import type { Session } from '../adapters/postgres.ts';
import type { Log } from '../base/log.ts';
import { plural } from '../base/units.ts';
import type { BackupPlaces } from './backup-places.ts';
import { bounded } from './bounded.ts';
import { interrupted, stepReport } from './endings.ts';
import { forcedEnding, type Fault } from './fault.ts';
import { inLanes } from './lanes.ts';
import type { Memory } from './memory.ts';
import type { StepReport, TaskReport } from './report.ts';
import type { SampleHistory } from './sample.ts';
import type { Self } from './self.ts';
import type { HttpsPlace, PlanContext, Progress, Step, StepContext, Task, TaskLimits } from './task.ts';
import { worst } from './verdict.ts';

/** A task with what the configuration says about it. */
export interface ConfiguredTask {
  readonly task: Task;
  /** Already validated against `task.settings`. */
  readonly settings: unknown;
  /** How long one step, and the planning, may take. */
  readonly deadlineMs: number;
}

/** Who watches a run while it goes on: the progress line of a terminal. */
export interface RunObserver {
  stepStarted(task: string, title: string): void;
  progressed(progress: Progress): void;
  stepEnded(step: StepReport): void;
}

/** Everything a run of tasks needs; nothing in it is opened or closed here. */
export interface TaskRun {
  readonly tasks: readonly ConfiguredTask[];
  /** Plan only; `perform` is never called. */
  readonly dryRun: boolean;
  /** One signal stops all, between two units of work. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly project: string;
  readonly backups: BackupPlaces;
  readonly timezone: string;
  readonly self?: Self | undefined;
  readonly httpsPlaces?: readonly HttpsPlace[] | undefined;
  /** For every plan, and for the steps of tasks that only read. */
  readonly reader: Session;
  /** For the steps of tasks that change something. */
  readonly writer: Session;
  readonly clients: ClientPrograms;
  readonly history: SampleHistory;
  readonly memory?: Memory | undefined;
  readonly observer: RunObserver;
  /** Steps that are not performed but made to end badly. Only tasks that read are touched: no drill may cost a backup. */
  readonly faults?: readonly Fault[];
  now(): Date;
  monotonicMs(): number;
}

/**
 * Runs tasks in order, each to its end: one broken step or task never hides the next. Never throws: what a task throws
 * becomes a step of its report, a `fail` or a `crash` as the table of errors says.
 */
export async function runTasks(run: TaskRun): Promise<readonly TaskReport[]> {
  const reports: TaskReport[] = [];
  for (const configured of run.tasks) reports.push(await runTask(configured, run));
  return reports;
}

/** The run of one task. */
interface Work extends TaskRun {
  /** What holds for all of the task together; undefined where only its steps have limits. */
  readonly limits: TaskLimits | undefined;
  readonly startedMs: number;
}

async function runTask(configured: ConfiguredTask, run: TaskRun): Promise<TaskReport> {
  const log = run.log.child({ task: configured.task.name });
  const startedMs = run.monotonicMs();
  const work: Work = { ...run, log, startedMs, limits: configured.task.limits?.(configured.settings) };
  const planned = await planTask(configured, work);
  const steps = Array.isArray(planned) ? await performSteps(configured, planned, work) : [planned];
  const verdict = worst(steps.map((step) => step.verdict));
  log.info({ verdict, steps: steps.length }, 'task ended');
  return {
    task: configured.task.name,
    verdict,
    durationMs: run.monotonicMs() - startedMs,
    planned: Array.isArray(planned),
    steps,
  };
}

/** @returns the steps, or the report of a planning that did not come to an end */
async function planTask({ task, settings, deadlineMs }: ConfiguredTask, run: Work): Promise<Step[] | StepReport> {
  const beginning = { title: 'plan', startedAt: run.now(), startedMs: run.monotonicMs(), intent: [] };
  if (run.signal.aborted) return stepReport(beginning, run, interrupted(run.signal, 'not reached'));
  let steps: readonly Step[] = [];
  const ending = await bounded(run, deadlineMs, async (signal) => {
    steps = await task.plan(planContext(run, signal, settings));
    return { status: 'done', summary: plural(steps.length, 'step') };
  });
  return ending.verdict === 'done' ? [...steps] : stepReport(beginning, run, ending);
}

/** @returns a report of each step, in the order of the plan */
async function performSteps(configured: ConfiguredTask, steps: readonly Step[], run: Work): Promise<StepReport[]> {
  const { task } = configured;
  const beside = task.onFailure === 'continue' ? steps.filter(({ isConcurrent }) => isConcurrent) : [];
  const silent = { ...run, observer: UNWATCHED };
  const ahead = inLanes(beside, (step) => performStep({ configured, step, isStopped: false }, silent));
  const reports = new Map<Step, StepReport>();
  let isStopped = false;
  for (const step of steps.filter((each) => !ahead.has(each))) {
    const report = await performStep({ configured, step, isStopped }, run);
    reports.set(step, report);
    isStopped ||= task.onFailure === 'stop' && step.isIndependent !== true && isBroken(report);
  }
  for (const [step, started] of ahead) reports.set(step, await watched(started, { step, task }, run));
  return steps.flatMap((step) => reports.get(step) ?? []);
}

const UNWATCHED: RunObserver = {
  stepStarted: () => undefined,
  progressed: () => undefined,
  stepEnded: () => undefined,
};

/** Whoever watches sees one step at a time. */
async function watched(
  started: Promise<StepReport>,
  { step, task }: { readonly step: Step; readonly task: Task },
  { dryRun, signal, observer }: TaskRun,
): Promise<StepReport> {
  if (dryRun || signal.aborted) return started;
  observer.stepStarted(task.name, step.title);
  const report = await started;
  observer.stepEnded(report);
  return report;
}

interface NextStep {
  readonly configured: ConfiguredTask;
  readonly step: Step;
  /** An earlier step failed, and the task says that the rest must then wait. */
  readonly isStopped: boolean;
}

async function performStep({ configured, step, isStopped }: NextStep, run: Work): Promise<StepReport> {
  const { task, deadlineMs } = configured;
  const beginning = {
    title: step.title,
    startedAt: run.now(),
    startedMs: run.monotonicMs(),
    intent: step.intent ?? [],
    concern: step.concern,
  };
  if (run.dryRun) return stepReport(beginning, run, { verdict: 'not-run', summary: 'would run' });
  if (run.signal.aborted) return stepReport(beginning, run, interrupted(run.signal, 'not reached'));
  if (isStopped) return stepReport(beginning, run, { verdict: 'not-run', summary: 'an earlier step failed' });

  const log = run.log.child({ step: step.title });
  run.observer.stepStarted(task.name, step.title);
  const forced = task.effect === 'reads' ? forcedEnding(run.faults ?? [], step.title) : undefined;
  const ending =
    forced ??
    (await bounded({ ...run, log }, deadlineMs, (signal) => step.perform(stepContext(task, { ...run, log }, signal))));
  const report = stepReport(beginning, run, ending);
  run.observer.stepEnded(report);
  log.info({ verdict: report.verdict, summary: report.summary, durationMs: report.durationMs }, 'step ended');
  return report;
}

function isBroken({ verdict }: StepReport): boolean {
  return verdict === 'fail' || verdict === 'crash';
}

/** What both halves of a task get. */
function surroundings(run: TaskRun, signal: AbortSignal): Omit<PlanContext<unknown>, 'settings' | 'database'> {
  const { log, clients, history, project, backups, timezone, self, httpsPlaces } = run;
  return { log, signal, clients, history, project, backups, timezone, self, httpsPlaces, now: () => run.now() };
}

function planContext(run: Work, signal: AbortSignal, settings: unknown): PlanContext<unknown> {
  return {
    ...surroundings(run, signal),
    settings,
    memory: run.memory,
    database: run.reader.within(signal, run.limits),
  };
}

function stepContext(task: Task, run: Work, signal: AbortSignal): StepContext {
  const session = task.effect === 'reads' ? run.reader : run.writer;
  return {
    ...surroundings(run, signal),
    database: session.within(signal, run.limits),
    memory: run.memory,
    progress: (progress) => run.observer.progressed(progress),
  };
}
