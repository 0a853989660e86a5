import { describeConnection } from '../adapters/connection.ts';
import { bootId } from '../adapters/host.ts';
import type { StopSignal, World } from '../base/world.ts';
import type { Config, ConfiguredTask } from '../config/config.ts';
import type { Fault } from '../engine/fault.ts';
import type { RunStart } from '../engine/journal.ts';
import type { RunReport, TaskReport } from '../engine/report.ts';
import { worst } from '../engine/verdict.ts';
import type { RunInvocation } from './invocation.ts';
import type { JobSlot } from './ledger-line.ts';
import { backupDirectory } from './state-directory.ts';

/** One invocation, with everything that is decided before the work begins. */
export interface Plan {
  readonly invocation: RunInvocation;
  readonly config: Config;
  /** In running order. */
  readonly selected: readonly ConfiguredTask[];
  /** UUID. */
  readonly run: string;
  readonly startedAt: Date;
  readonly startedMs: number;
  readonly stateDirectory: string;
  /** The job that it is a run of, and the scheduled instant; undefined where it is none. */
  readonly job: JobSlot | undefined;
  /** What MAINT_FAULT asks for. */
  readonly faults: readonly Fault[];
}

/** What is known once the work has ended. */
interface Ended {
  readonly tasks: readonly TaskReport[];
  readonly stoppedBy: StopSignal | null;
  readonly assumptions: readonly string[];
  readonly notices: () => readonly string[];
  /** Of the lease that the run held. */
  readonly fence?: number | undefined;
}

/** Writes the beginning of a run for the journal, and its report. */
export function reporter(plan: Plan, world: World): { start(): RunStart; finish(ended: Ended): RunReport } {
  const { invocation, config, run, startedAt } = plan;
  const slot = plan.job?.slot?.toISOString() ?? null;
  const shared = { run, command: invocation.command, host: world.hostname, startedAt: startedAt.toISOString() };
  return {
    start: () => ({
      ...shared,
      tier: 'tier' in invocation.select ? invocation.select.tier : null,
      slot,
      pid: world.process.pid,
      bootId: bootId(),
    }),
    finish: ({ tasks, stoppedBy, assumptions, notices, fence }) => ({
      ...shared,
      format: 1,
      maint: world.version,
      project: config.project,
      database: databaseOf(plan),
      config: config.file,
      assumptions: [...config.assumptions, ...assumed(plan, world), ...assumptions],
      notices: notices(),
      slot,
      fence: fence ?? null,
      dryRun: invocation.dryRun,
      finishedAt: world.now().toISOString(),
      durationMs: world.monotonicMs() - plan.startedMs,
      verdict: worst(tasks.map(({ verdict }) => verdict)),
      stoppedBy,
      tasks,
      alerts: null,
    }),
  };
}

function databaseOf({ selected, config: { database } }: Plan): string | null {
  const isUsed = selected.some(({ task }) => task.withoutDatabase !== true);
  return isUsed && database.connection !== undefined ? describeConnection(database.connection) : null;
}

/** What nobody said, and what maint does about it. Worth a line only where there is no file to look at. */
function assumed({ config, selected, stateDirectory }: Plan, world: World): readonly string[] {
  if (config.file !== null) return [];
  const keepsFiles = selected.some(({ task }) => task.name.includes('backup'));
  return [
    `state in ${stateDirectory}`,
    ...(keepsFiles ? [`backups in ${backupDirectory(world, config.backups.directory)}`] : []),
    'no alert channel: this report and the exit code are all that tells',
  ];
}
