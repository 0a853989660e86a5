import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('channels');

/** Would anybody hear of a problem? Sends nothing. */
export function checkChannels({ alerts, heartbeatUrl }: Config): readonly Check[] {
  const channels = alerts.channels.map(({ name, type }) =>
    ok(`channel ${name}`, `${type}, its address is well formed; maint alerts test --channel ${name} tries it`),
  );
  return [...(channels.length === 0 ? [NO_CHANNEL] : channels), heartbeatUrl === undefined ? NO_SWITCH : SWITCH];
}

const NO_CHANNEL = warn('channels', 'none: only the exit code and the mail of cron tell of a problem', [
  'Add to the configuration: alerts: { channels: [{ name: ops, type: slack, url: "${SLACK_WEBHOOK_URL}" }] }',
  'Then try it: maint alerts test',
]);

const SWITCH = ok("dead man's switch", 'its address is well formed; each scheduled run calls it');

const NO_SWITCH = warn("dead man's switch", 'none: nobody notices when maint itself no longer runs', [
  'Make a check at Healthchecks.io or its kin, and add to the configuration: heartbeat: { url: "${HEARTBEAT_URL}" }',
]);
