import { join } from 'node:path';
import { makePrivateDirectory } from '../../adapters/directories.ts';
import { takeHostLock } from '../../adapters/host-lock.ts';
import { MaintError } from '../../base/errors.ts';
import type { World } from '../../base/world.ts';
import type { Config, ConfiguredTask } from '../../config/config.ts';
import type { Journal } from '../../engine/journal.ts';
import type { RunReport, TaskReport } from '../../engine/report.ts';
import { openJournal } from '../../engine/sqlite-journal.ts';
import { drillNotices } from '../drill.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { RunInvocation } from '../invocation.ts';
import { openLog } from '../log.ts';
import { publish } from '../publish.ts';
import { rememberedOf } from '../remembered.ts';
import { reporter } from '../reporting.ts';
import { planOf } from '../run-plan.ts';
import { openSessions, type Sessions } from '../sessions.ts';
import { listenForStop } from '../stopping.ts';
import { tellChannels, tellEnd } from '../telling.ts';
import { work } from '../work.ts';
import { judgeJobs, type DueRun } from './judge-jobs.ts';
import { judgePeers } from './judge-peers.ts';
import { newsOf } from './news.ts';

/** What a tick has found. */
interface Looked {
  readonly exitCode: number;
  readonly due: readonly DueRun[];
}

/**
 * The quick half of a tick: health, the ledger, and telling the channels.
 * @returns undefined where another tick is at it
 */
export async function look(
  { invocation, config }: { readonly invocation: RunInvocation; readonly config: Config },
  world: World,
): Promise<Looked | undefined> {
  const plan = { ...planOf({ invocation, config, selected: healthOf(config) }, world), job: undefined };
  const { stateDirectory, run } = plan;
  const taken = lockTick(stateDirectory);
  if (taken === 'busy') return undefined;
  using _lock = taken;
  using journal = openJournal(stateDirectory, world.now());
  using stopping = listenForStop(world, invocation.cron);
  using diary = openLog({
    directory: journal.isDurable ? stateDirectory : undefined,
    stderr: world.stderr,
    verbose: invocation.common.verbose,
    level: config.logLevel,
    fields: { run, maint: world.version },
    now: () => world.now(),
  });
  const { log } = diary;
  await using sessions = openSessions(config, 'maint/tick');
  journal.begin(reporter(plan, world).start());
  const health = await work({
    plan,
    world,
    sessions,
    journal,
    log,
    observer: QUIET,
    signal: stopping.signal,
    judgesJobs: true,
  });
  const judged = judgeJobs({ config, journal, unreachable: await unreachable(sessions) }, world);
  const peers = await judgePeers({ coordination: sessions.coordination, project: config.project }, world);
  const tasks: readonly TaskReport[] = [...health, judged.report, ...peers];
  const report = reporter(plan, world).finish({
    tasks,
    stoppedBy: stopping.stoppedBy(),
    assumptions: [],
    notices: () => [...drillNotices(plan.faults, tasks), ...journal.notices, ...diary.notices()],
  });
  journal.finish(report);
  const telling = { config, world, journal, log, lockDirectory: join(stateDirectory, 'alerts'), job: 'tick' };
  const told: RunReport = { ...report, alerts: await tellChannels(report, telling) };
  // What is wrong was told. The switch is there for what was not, and for the tick that does not come.
  if (invocation.cron) await tellEnd(run, told.alerts?.undelivered === 0 ? 0 : 1, telling);
  const news = invocation.cron ? newsFor(told, config, journal) : undefined;
  const remembered = rememberedOf(told, journal);
  publish(told, { invocation, textfile: config.textfile, remembered, ...news }, world);
  return { exitCode: exitCodeOf(told, invocation.failOn), due: stopping.signal.aborted ? [] : judged.due };
}

/**
 * What was told need not come every five minutes in a mail of cron. Where there are channels they know best what is new;
 * without one the mail is all there is, and comes when something begins, changes or is over.
 */
function newsFor(
  report: RunReport,
  { alerts: { channels } }: Config,
  journal: Journal,
): { readonly isKnown: boolean; readonly over: readonly string[] } {
  const { alerts, notices, stoppedBy } = report;
  const isOdd = notices.length > 0 || stoppedBy !== null;
  if (channels.length === 0) {
    const { isNew, over } = newsOf(report, journal);
    return { isKnown: !isNew && !isOdd, over };
  }
  const isTold = alerts !== null && alerts.delivered + alerts.undelivered === 0;
  return { isKnown: isTold && !isOdd, over: [] };
}

const QUIET = { stepStarted: nothing, progressed: nothing, stepEnded: nothing };

function nothing(): void {}

/** Health is looked at each time; where no database is named there is none to look at. */
function healthOf({ tasks, database }: Config): readonly ConfiguredTask[] {
  return database.connection === undefined
    ? []
    : tasks.filter(({ task, enabled }) => enabled && task.name === 'health');
}

/** Where there is no way to lock, a tick too many is better than none. */
function lockTick(stateDirectory: string): Disposable | undefined | 'busy' {
  const directory = join(stateDirectory, 'jobs', 'tick');
  try {
    makePrivateDirectory(directory);
    return takeHostLock(directory) ?? 'busy';
  } catch (error) {
    if (error instanceof MaintError) return undefined;
    throw error;
  }
}

/** Why the database cannot be asked who else is at work; undefined where it can, or is not to be. */
async function unreachable({ coordination }: Sessions): Promise<MaintError | undefined> {
  try {
    await coordination?.server();
    return undefined;
  } catch (error) {
    if (error instanceof MaintError) return error;
    throw error;
  }
}
