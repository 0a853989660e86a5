import { scheduleTexts } from '../../adapters/schedules.ts';
import type { Reader } from '../../adapters/postgres.ts';
import { recordOf, type ChannelRecord } from '../../alerts/channel-record.ts';
import { DAY_MS, formatDuration } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import { livingHosts } from '../../engine/peers.ts';
import { openJournalToRead } from '../../engine/sqlite-journal.ts';
import { journalChannelRecords } from '../alert-store.ts';
import { checkAlive } from './alive.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn, fail } = verdictsOf('channels');

/** Where to look. */
interface About {
  readonly stateDirectory: string;
  /** Undefined where none answers. */
  readonly database: Reader | undefined;
}

/** Would anybody hear of a problem? Sends nothing, and goes by what the journal of this directory knows. */
export async function checkChannels(world: World, config: Config, about: About): Promise<readonly Check[]> {
  const { alerts, project } = config;
  const now = world.now();
  using journal = openJournalToRead(about.stateDirectory);
  const records = journalChannelRecords(journal).load();
  const isBare = alerts.routes !== undefined && alerts.routes.page.fallback.length === 0;
  const hosts = about.database === undefined ? [] : await livingHosts(about.database, project);
  const schedules = await scheduleTexts(world.env['PATH'], world.env['HOME']);
  return [
    ...(alerts.channels.length === 0 ? [NO_CHANNEL] : []),
    ...alerts.channels.map(({ name, type }) => checkChannel(recordOf(records, name), type, now)),
    ...(isBare ? [NO_FALLBACK] : []),
    checkAlive({ config, records, schedules, hosts, now }),
  ];
}

/** A test that went through counts for a week, and a day more for whoever tests once a week. */
const TEST_COUNTS_MS = 8 * DAY_MS;

function checkChannel(record: ChannelRecord, type: string, now: Date): Check {
  const { channel, brokenSince, lastError, verifiedAt } = record;
  const name = `channel ${channel}`;
  const fix = [`maint alerts test --channel ${channel}`];
  if (brokenSince !== null)
    return fail(name, `${type}, refuses every message since ${brokenSince}: ${lastError ?? 'no reason given'}`, fix);
  if (verifiedAt === null) return warn(name, `${type}, its address is well formed, but no test ever went through`, fix);
  const ageMs = now.getTime() - Date.parse(verifiedAt);
  const tested = `${type}, a test went through ${formatDuration(ageMs)} ago`;
  return ageMs <= TEST_COUNTS_MS ? ok(name, tested) : warn(name, tested, fix);
}

const NO_CHANNEL = warn('channels', 'none: only the exit code and the mail of cron tell of a problem', [
  'Add to the configuration: alerts: { channels: [{ name: ops, type: slack, url: "${SLACK_WEBHOOK_URL}" }] }',
  'Then try it: maint alerts test',
]);

const NO_FALLBACK = warn('pages', 'have no fallback: when their channel is down at night, nobody is woken', [
  'Name another kind of channel under alerts.routes.page.fallback.',
]);
