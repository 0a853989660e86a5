import { formatDuration } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import type { Journal } from '../engine/journal.ts';
import { nextSlot, slotAt } from '../engine/slots.ts';
import { openJournalToRead } from '../engine/sqlite-journal.ts';
import { TIERS, type Tier } from '../engine/task.ts';
import { tasks } from '../tasks/index.ts';
import { fateMark } from './fates.ts';
import type { Invocation } from './invocation.ts';
import { fateOf, verdictOf, type Fate } from './lives.ts';
import { stateDirectory } from './state-directory.ts';
import { paintFor, type Paint } from './style.ts';

type StatusInvocation = Extract<Invocation, { readonly kind: 'status' }>;

/** Where one tier stands. All instants as ISO text. */
interface TierStatus {
  readonly tier: Tier;
  readonly schedule: string;
  readonly tasks: readonly string[];
  readonly lastRun: string | null;
  readonly fate: Fate | null;
  /** The newest slot that nobody has run, and how long ago it was due; null when nothing is due. */
  readonly overdueSince: string | null;
  readonly next: string | null;
}

/** How late a run may be before it counts as missed: cron, a slow boot and a random delay all need some room. */
const GRACE_MS = 30 * 60_000;

/** `maint status`: what ran when, what is overdue, what comes next. @returns 1 when a tier that has run before is overdue */
export async function statusCommand({ common, format }: StatusInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks });
  using journal = openJournalToRead(stateDirectory(world, common, config));
  for (const notice of journal.notices) world.stderr.write(`maint: ${notice}\n`);
  const tiers = TIERS.map((tier) => tierStatus(tier, { config, journal, world }));
  const lastOfTasks = journal.lastOfEachTask();
  const spooled = journal.shelf('spool').all().length;
  const isOverdue = tiers.some(({ overdueSince }) => overdueSince !== null);
  if (format === 'json') {
    stdout.write(`${JSON.stringify({ format: 1, project: config.project, tiers, tasks: lastOfTasks, spooled })}\n`);
    return isOverdue ? 1 : 0;
  }
  const paint = paintFor(common.color, env, stdout);
  const rows = tiers.map((tier) => tierLine(tier, world.now(), paint));
  const tasksRows = lastOfTasks.map(
    ({ task, verdict, startedAt }) =>
      `${fateMark(verdictOf(verdict), paint)} ${task.padEnd(14)}  ${ago(startedAt, world.now())}`,
  );
  const waiting = spooled === 0 ? [] : [`${spooled} undelivered alert messages wait for the next run`];
  stdout.write(`${[config.project, ...rows, '', ...tasksRows, ...waiting].join('\n').trimEnd()}\n`);
  return isOverdue ? 1 : 0;
}

interface Sources {
  readonly config: Config;
  readonly journal: Journal;
  readonly world: World;
}

function tierStatus(tier: Tier, { config, journal, world }: Sources): TierStatus {
  const now = world.now();
  const schedule = config.schedule[tier];
  const names = config.tasks.filter((each) => each.enabled && each.tier === tier).map(({ task }) => task.name);
  const [last] = journal.runsOfTier(tier, 1);
  const due = slotAt(schedule, config.timezone, new Date(now.getTime() - GRACE_MS));
  // A tier that has never run is not late: nobody has scheduled it yet, and `maint doctor` says so.
  const isLate =
    names.length > 0 &&
    last !== undefined &&
    due !== undefined &&
    Date.parse(last.startedAt) < due.getTime() - GRACE_MS;
  return {
    tier,
    schedule,
    tasks: names,
    lastRun: last?.startedAt ?? null,
    fate: last === undefined ? null : fateOf(last, world.hostname),
    overdueSince: isLate ? due.toISOString() : null,
    next: names.length === 0 ? null : (nextSlot(schedule, config.timezone, now)?.toISOString() ?? null),
  };
}

function tierLine(status: TierStatus, now: Date, paint: Paint): string {
  const { tier, tasks: names, lastRun, fate, overdueSince, next } = status;
  const mark = fate === null ? paint('dim', '·') : fateMark(fate, paint);
  const past = lastRun === null ? 'never ran' : `${fate ?? ''} ${ago(lastRun, now)}`;
  const late =
    overdueSince === null ? '' : `  ${paint('red', `overdue: nothing ran for ${overdueSince.slice(0, 16)}Z`)}`;
  const coming = next === null ? '' : `  next ${next.slice(0, 16)}Z`;
  const what = names.length === 0 ? paint('dim', 'no task') : names.join(', ');
  return `${mark} ${tier.padEnd(9)}  ${past.padEnd(22)}${late}${coming}  ${what}`;
}

function ago(instant: string, now: Date): string {
  return `${formatDuration(Math.max(0, now.getTime() - Date.parse(instant)))} ago`;
}
