import type { AlertMessage } from '../message.ts';
import { alertmanagerPosts } from './alertmanager.ts';
import { apprisePosts } from './apprise.ts';
import type { Parcel } from './channel.ts';
import { cleanMessage } from './clean.ts';
import { discordPosts } from './discord.ts';
import { emailLetters } from './email.ts';
import { ntfyPosts } from './ntfy.ts';
import { pagerDutyPosts } from './pagerduty.ts';
import type { Channel } from './settings.ts';
import { slackPosts } from './slack.ts';
import { teamsPosts } from './teams.ts';
import { webhookPosts } from './webhook.ts';

/**
 * What a channel is sent for a message, in its own words: one request or letter, or several. Pure.
 * @param at the instant of sending
 */
export function parcelsOf(channel: Channel, original: AlertMessage, at: Date): readonly Parcel[] {
  const message = cleanMessage(original);
  switch (channel.type) {
    case 'slack':
      return slackPosts(channel, message);
    case 'webhook':
      return webhookPosts(channel, message);
    case 'discord':
      return discordPosts(channel, message);
    case 'teams':
      return teamsPosts(channel, message);
    case 'pagerduty':
      return pagerDutyPosts(channel, message);
    case 'ntfy':
      return ntfyPosts(channel, message);
    case 'email':
      return emailLetters(channel, message);
    case 'alertmanager':
      return alertmanagerPosts(channel, message, at);
    case 'apprise':
    default:
      return apprisePosts(channel, message);
  }
}
