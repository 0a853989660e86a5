import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { currentUser, machineTimezone, realPath } from '../adapters/cron-machine.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { describeProblem } from '../config/problem.ts';
import { checkConfig } from '../config/read.ts';
import { parseExpression, type CronExpression } from '../schedule/fields.ts';
import { CRON_PATH } from '../schedule/machine.ts';
import { tasks } from '../tasks/index.ts';
import { NO_ENVIRONMENT } from './cron-line.ts';
import { fragilePaths } from './fragile.ts';
import type { CommonFlags } from './invocation.ts';
import { isBusy, jobsOf, type Job } from './jobs.ts';
import { backupDirectory, stateDirectory } from './state-directory.ts';

/** The tick, a tier that has something to do, or a task with a schedule of its own. */
interface CronRound {
  readonly round: string;
  readonly expression: CronExpression;
}

/** What a scheduler is to start, and how. */
export interface CronPlan {
  readonly project: string;
  readonly timezone: string;
  readonly rounds: readonly CronRound[];
  /** Absolute path of the configuration; null where there is none. */
  readonly file: string | null;
  /** Absolute path of the state directory, where cron would choose another. */
  readonly state: string | undefined;
  /** Node and the script by their real paths. */
  readonly process: World['process'];
  /** What will not work as it does here, or not for long. */
  readonly notices: readonly string[];
}

/**
 * Works out what a scheduler is to start: the tiers that have tasks, by absolute paths. Reads the configuration once more
 * as cron would, for what is missing there fails in the night.
 * @throws MaintError CONFIG_INVALID where no tier has a task, cron does not know a schedule, or a path cannot be written
 */
export async function planCron(world: World, common: CommonFlags, config: Config): Promise<CronPlan> {
  const { project, timezone, file } = config;
  const rounds = jobsOf(config).filter(isBusy).flatMap(roundsOf);
  if (rounds.length === 0) throw new MaintError('CONFIG_INVALID', 'no tier has a task that is enabled');
  const { nodePath, scriptPath } = world.process;
  const started = { ...world.process, nodePath: realPath(nodePath), scriptPath: realPath(scriptPath) };
  const under = await underCron(world, common, config);
  for (const path of [started.nodePath, started.scriptPath, file ?? '', under.state ?? '']) refuseOdd(path);
  return {
    project,
    timezone,
    rounds: [...rounds, tickRound(project)],
    file,
    ...under,
    process: started,
    notices: [
      ...fragilePaths(started).map(
        (path) => `${path} goes away with the next upgrade or cleaning; ${MOVE}, and install again`,
      ),
      ...under.notices,
    ],
  };
}

/** A job as a line of a scheduler; none for what somebody else starts, and for what only a tick can keep. */
function roundsOf({ name, select, cadence }: Job): readonly CronRound[] {
  if (select === undefined || cadence.kind !== 'cron') return [];
  const what = 'tier' in select ? `schedule.${name}` : `the schedule of ${name}`;
  return [{ round: name, expression: expressionOf(what, cadence.expression) }];
}

/** Every five minutes, and not every project of a machine in the same one. */
function tickRound(project: string): CronRound {
  const first = createHash('sha256').update(project).digest().readUInt8(0) % 5;
  return { round: 'tick', expression: expressionOf('the tick', first === 0 ? '*/5 * * * *' : `${first}-59/5 * * * *`) };
}

function expressionOf(name: string, text: string): CronExpression {
  const parsed = parseExpression(text);
  if ('expression' in parsed) return parsed.expression;
  throw new MaintError('CONFIG_INVALID', `cron does not understand ${name}: ${parsed.fault}`, {
    hint: 'Write numbers, ranges, lists and steps, such as 17 3 * * *; cron knows neither L, W, # nor ?.',
  });
}

const MOVE = 'install it in a place that stays';

function refuseOdd(path: string): void {
  if (printable(path) === path) return;
  throw new MaintError('CONFIG_INVALID', `the path "${printable(path)}" has characters that no crontab can hold`, {
    hint: 'Rename the file or the directory.',
  });
}

/** What differs where cron starts it: in the home directory, with an environment of four variables. */
async function underCron(
  world: World,
  common: CommonFlags,
  config: Config,
): Promise<Pick<CronPlan, 'state' | 'notices'>> {
  const { file, timezone } = config;
  const home = world.env['HOME'] ?? '/';
  const env = { HOME: home, LOGNAME: currentUser(), SHELL: '/bin/sh', PATH: CRON_PATH };
  const there = { ...world, env, cwd: home };
  const checked = file === null ? undefined : await checkConfig({ env, cwd: home, configPath: file, tasks });
  const other = checked?.config ?? config;
  const here = stateDirectory(world, common, config);
  const isSameState = stateDirectory(there, { ...common, state: undefined }, other) === here;
  const backups = [backupDirectory(world, config.backups.directory), backupDirectory(there, other.backups.directory)];
  const clock = machineTimezone();
  return {
    state: isSameState ? undefined : dirname(here),
    notices: [
      ...(checked?.problems ?? []).map((problem) => `with the environment of cron: ${describeProblem(problem)}`),
      ...(file === null || (checked?.problems.length ?? 0) > 0 ? [NO_ENVIRONMENT] : []),
      ...(backups[0] === backups[1]
        ? []
        : [`backups go to ${backups[0]} here, but to ${backups[1]} under cron: name an absolute backups.directory`]),
      ...(clock === timezone
        ? []
        : [`the configuration counts in ${timezone}, this machine and its cron in ${clock}: set timezone: ${clock}`]),
    ],
  };
}
