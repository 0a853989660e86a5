import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('channels');

/** Would anybody hear of a problem? Sends nothing. */
export function checkChannels({ alerts, heartbeatUrl }: Config): readonly Check[] {
  const channels = alerts.channels.map(({ name, type }) =>
    ok(`channel ${name}`, `${type}, its address is well formed; maint alerts test --channel ${name} tries it`),
  );
  const isBare = alerts.routes !== undefined && alerts.routes.page.fallback.length === 0;
  return [
    ...(channels.length === 0 ? [NO_CHANNEL] : channels),
    ...(isBare ? [NO_FALLBACK] : []),
    heartbeatUrl === undefined ? NO_SWITCH : SWITCH,
  ];
}

const NO_CHANNEL = warn('channels', 'none: only the exit code and the mail of cron tell of a problem', [
  'Add to the configuration: alerts: { channels: [{ name: ops, type: slack, url: "${SLACK_WEBHOOK_URL}" }] }',
  'Then try it: maint alerts test',
]);

const NO_FALLBACK = warn('pages', 'have no fallback: when their channel is down at night, nobody is woken', [
  'Name another kind of channel under alerts.routes.page.fallback.',
]);

const SWITCH = ok("dead man's switch", 'its address is well formed; each scheduled run calls it');

const NO_SWITCH = warn("dead man's switch", 'none: nobody notices when maint itself no longer runs', [
  'Make a check at Healthchecks.io or its kin, and add to the configuration: heartbeat: { url: "${HEARTBEAT_URL}" }',
]);
