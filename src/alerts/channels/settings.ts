import { z } from 'zod';
import { Secret } from '../../base/secret.ts';
import { alertmanagerSettings } from './alertmanager.ts';
import { appriseSettings } from './apprise.ts';
import { discordSettings } from './discord.ts';
import { emailSettings } from './email.ts';
import { ntfySettings } from './ntfy.ts';
import { pagerDutySettings } from './pagerduty.ts';
import { slackSettings } from './slack.ts';
import { teamsSettings } from './teams.ts';
import { webhookSettings } from './webhook.ts';

/** One channel of any type. Parse with `parseAsync`: addresses and keys are secrets. */
export const channelSettings = z.discriminatedUnion('type', [
  slackSettings,
  webhookSettings,
  discordSettings,
  teamsSettings,
  pagerDutySettings,
  ntfySettings,
  emailSettings,
  alertmanagerSettings,
  appriseSettings,
]);

/** One place where alerts go. */
export type Channel = z.output<typeof channelSettings>;

/** Everything about a channel that must not be shown, to be kept out of every text. */
export function secretsOf(channel: Channel): readonly Secret[] {
  return Object.values(channel)
    .flat()
    .filter((value) => value instanceof Secret);
}
