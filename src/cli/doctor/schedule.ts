import { scheduleTexts, type ScheduleText } from '../../adapters/schedules.ts';
import type { World } from '../../base/world.ts';
import { tasksOfTier, type Config } from '../../config/config.ts';
import { TIERS, type Tier } from '../../engine/task.ts';
import { cronLine, NO_ENVIRONMENT, quotedForShell } from '../cron-line.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('schedule');

/** Does anything on this machine start the tiers that have something to do? A best effort: other users have crontabs too. */
export async function checkSchedule(world: World, config: Config): Promise<readonly Check[]> {
  const { schedule, file } = config;
  const wanted = TIERS.filter((tier) => tasksOfTier(config, tier).length > 0);
  const scheduled = scheduledTiers(await scheduleTexts(world.env['PATH'], world.env['HOME']));
  const there = wanted.filter((tier) => scheduled.has(tier));
  const missing = wanted.filter((tier) => !scheduled.has(tier));
  return [
    ...there.map((tier) => ok(tier, `started by ${scheduled.get(tier) ?? ''}`)),
    ...missing.map((tier) =>
      warn(tier, 'nothing on this machine starts it, as far as this user can see', [
        `maint cron install${file === null ? '' : ` --config ${quotedForShell(file)}`}`,
        `crontab -e, and add: ${cronLine({ round: tier, schedule: schedule[tier], file }, world)}`,
        ...(world.env['DATABASE_URL'] ? [NO_ENVIRONMENT] : []),
      ]),
    ),
  ];
}

/** @returns each tier that is started, and what starts it */
function scheduledTiers(texts: readonly ScheduleText[]): ReadonlyMap<Tier, string> {
  const lines = texts.flatMap(({ origin, text }) => text.split('\n').map((line) => ({ origin, line })));
  const started = lines.flatMap(({ origin, line }) => tiersIn(line).map((tier) => [tier, origin] as const));
  // A map keeps the last of equal keys, and the user's own crontab stands first.
  return new Map(started.toReversed());
}

function tiersIn(line: string): readonly Tier[] {
  if (/^\s*[#;]/.test(line)) return [];
  const [, words] = /\bmaint(?:\.js)?["']?\s+(.*)$/.exec(line) ?? [];
  return words === undefined ? [] : TIERS.filter((tier) => words.split(/\s+/).includes(tier));
}
