import { randomUUID } from 'node:crypto';
import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import { requireDatabase, type ConfiguredTask } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import type { RunReport } from '../engine/report.ts';
import { parseFaults } from '../engine/fault.ts';
import { slotAt } from '../engine/slots.ts';
import { openJournal, openJournalToRead } from '../engine/sqlite-journal.ts';
import { tasks as allTasks } from '../tasks/index.ts';
import { drillNotices } from './drill.ts';
import { exitCodeOf } from './exit-code.ts';
import type { RunInvocation } from './invocation.ts';
import { openLog } from './log.ts';
import { nagiosCode } from './nagios.ts';
import { openProgress } from './progress.ts';
import { publish } from './publish.ts';
import { reporter, type Plan } from './reporting.ts';
import { selectTasks } from './selection.ts';
import { openSessions } from './sessions.ts';
import { stateDirectory } from './state-directory.ts';
import { listenForStop } from './stopping.ts';
import { tellChannels, tellEnd, tellStart } from './telling.ts';
import { takeTurn } from './turn.ts';
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
  const plan = planOf({ invocation, config, selected }, world);
  try {
    return await carryOut(plan, world);
  } catch (error) {
    if (!invocation.cron || !(error instanceof MaintError) || error.exitCode !== 3) throw error;
    noteSkipped(plan, error, world);
    return 0;
  }
}

function planOf(asked: Pick<Plan, 'invocation' | 'config' | 'selected'>, world: World): Plan {
  const { invocation, config } = asked;
  const tier = 'tier' in invocation.select ? invocation.select.tier : undefined;
  const at = invocation.cron && tier ? slotAt(config.schedule[tier], config.timezone, world.now()) : undefined;
  return {
    ...asked,
    run: randomUUID(),
    startedAt: world.now(),
    startedMs: world.monotonicMs(),
    stateDirectory: stateDirectory(world, invocation.common, config),
    slot: tier !== undefined && at !== undefined ? { tier, at } : undefined,
    faults: parseFaults(world.env['MAINT_FAULT']),
  };
}

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
  const telling = { config, world, journal, log, lockDirectory: `${plan.stateDirectory}/alerts` };
  const isTold = !invocation.dryRun;

  await using sessions = openSessions(config, `maint/${invocation.command}`);
  const onLost = (): void => stopping.stop('another host, which took the lease over');
  await using turn = needsTurn(plan)
    ? await takeTurn({
        ...plan,
        journal,
        coordination: sessions.coordination,
        project: config.project,
        host: world.hostname,
        onLost,
      })
    : undefined;
  if (isTold) journal.begin(reporter(plan, world).start());
  if (isTold && plan.slot !== undefined) await tellStart(run, telling);

  const tasks = await work({ plan, world, sessions, journal, log, observer: progress, signal: stopping.signal });
  const report = reporter(plan, world).finish({
    tasks,
    stoppedBy: stopping.stoppedBy(),
    assumptions: turn?.assumptions ?? [],
    notices: () => [
      ...drillNotices(plan.faults, tasks),
      ...(turn?.notices ?? []),
      ...journal.notices,
      ...diary.notices(),
    ],
  });
  if (isTold) journal.finish(report);
  const told: RunReport = isTold ? { ...report, alerts: await tellChannels(report, telling) } : report;
  if (stopping.stoppedBy() === null) await turn?.finishSlot(world.now());
  const exitCode = invocation.format === 'nagios' ? nagiosCode(told) : exitCodeOf(told, invocation.failOn);
  if (isTold && plan.slot !== undefined) await tellEnd(run, exitCode, telling);
  progress[Symbol.dispose]();
  publish({ ...told, notices: [...new Set([...told.notices, ...journal.notices])] }, invocation, world);
  return exitCode;
}

/** A run that only reads waits for nobody: a person must be able to look while a backup runs. */
function needsTurn({ invocation, selected, slot }: Plan): boolean {
  const isChanging = selected.some(({ task }: ConfiguredTask) => task.effect !== 'reads');
  return !invocation.dryRun && (isChanging || slot !== undefined);
}

/** A scheduled run that found nothing to do leaves a line in the journal, so that "it never ran" has an answer. */
function noteSkipped(plan: Plan, error: MaintError, world: World): void {
  using journal = openJournal(plan.stateDirectory, world.now());
  const writing = reporter(plan, world);
  journal.begin(writing.start());
  journal.finish(writing.finish({ tasks: [], stoppedBy: null, assumptions: [], notices: () => [error.message] }));
}
