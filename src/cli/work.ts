import { clientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment } from '../adapters/connection.ts';
import type { Log } from '../base/log.ts';
import type { World } from '../base/world.ts';
import type { Journal } from '../engine/journal.ts';
import { memoryOn } from '../engine/memory.ts';
import type { TaskReport } from '../engine/report.ts';
import { runTasks, type RunObserver } from '../engine/run.ts';
import type { Plan } from './reporting.ts';
import type { Sessions } from './sessions.ts';
import { selfOf } from './self.ts';
import { backupPlaces } from './state-directory.ts';

/** What the engine is handed. */
interface WorkRequest {
  readonly plan: Plan;
  readonly world: World;
  readonly sessions: Sessions;
  readonly journal: Journal;
  readonly log: Log;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** The caller judges the jobs of the schedule itself: one problem, one alert. */
  readonly judgesJobs?: true;
}

/** Hands the selected tasks to the engine, with everything they may reach. Never throws for what a task does. */
export async function work(request: WorkRequest): Promise<readonly TaskReport[]> {
  const { plan, world, sessions, journal, log, observer, signal } = request;
  const { config, invocation, selected } = plan;
  const { connection } = config.database;
  const environment = connection === undefined ? {} : libpqEnvironment(connection);
  const underWay = 'tier' in invocation.select ? invocation.select.tier : undefined;
  const self = selfOf({ config, journal, stateDirectory: plan.stateDirectory, world, underWay });
  return runTasks({
    tasks: selected,
    dryRun: invocation.dryRun,
    signal,
    log,
    project: config.project,
    backups: backupPlaces(world, config),
    timezone: config.timezone,
    reader: sessions.reader,
    writer: sessions.writer,
    clients: clientPrograms(config.programDirectories, world.env['PATH'], environment),
    history: journal,
    memory: memoryOn(journal.shelf('memory')),
    self: request.judgesJobs === true ? { ...self, jobs: undefined } : self,
    httpsPlaces: config.httpsPlaces,
    observer,
    faults: plan.faults,
    now: () => world.now(),
    monotonicMs: () => world.monotonicMs(),
  });
}
