import { scheduleTexts, type ScheduleText } from '../../adapters/schedules.ts';
import type { World } from '../../base/world.ts';
import { quotedForShell } from '../../base/shell-word.ts';
import { tasksOfTier, type Config } from '../../config/config.ts';
import { TIERS } from '../../engine/task.ts';
import { cronLine, NO_ENVIRONMENT } from '../cron-line.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('schedule');

/** What cron starts. The tick makes up for what was missed, and says what was killed. */
const ROUNDS = [...TIERS, 'tick'] as const;
type Round = (typeof ROUNDS)[number];

/** Does anything on this machine start the tiers that have something to do? A best effort: other users have crontabs too. */
export async function checkSchedule(world: World, config: Config): Promise<readonly Check[]> {
  const { schedule, file } = config;
  const wanted: readonly Round[] = ['tick', ...TIERS.filter((tier) => tasksOfTier(config, tier).length > 0)];
  const scheduled = scheduledTiers(await scheduleTexts(world.env['PATH'], world.env['HOME']));
  const there = wanted.filter((tier) => scheduled.has(tier));
  const missing = wanted.filter((tier) => !scheduled.has(tier));
  return [
    ...there.map((tier) => ok(tier, `started by ${scheduled.get(tier) ?? ''}`)),
    ...missing.map((tier) =>
      warn(tier, 'nothing on this machine starts it, as far as this user can see', [
        `maint cron install${file === null ? '' : ` --config ${quotedForShell(file)}`}`,
        `crontab -e, and add: ${cronLine({ round: tier, schedule: tier === 'tick' ? '*/5 * * * *' : schedule[tier], file }, world)}`,
        ...(world.env['DATABASE_URL'] ? [NO_ENVIRONMENT] : []),
      ]),
    ),
  ];
}

/** @returns each tier that is started, and what starts it */
function scheduledTiers(texts: readonly ScheduleText[]): ReadonlyMap<Round, string> {
  const lines = texts.flatMap(({ origin, text }) => text.split('\n').map((line) => ({ origin, line })));
  const started = lines.flatMap(({ origin, line }) => tiersIn(line).map((tier) => [tier, origin] as const));
  // A map keeps the last of equal keys, and the user's own crontab stands first.
  return new Map(started.toReversed());
}

function tiersIn(line: string): readonly Round[] {
  if (/^\s*[#;]/.test(line)) return [];
  const [, words] = /\bmaint(?:\.js)?["']?\s+(.*)$/.exec(line) ?? [];
  return words === undefined ? [] : ROUNDS.filter((tier) => words.split(/\s+/).includes(tier));
}
