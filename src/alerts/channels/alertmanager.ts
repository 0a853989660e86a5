import { z } from 'zod';
import { addressMatches, isHttpUrl, type JsonBody } from '../../adapters/http.ts';
import { secretSetting } from '../../adapters/secret-setting.ts';
import { durationSetting } from '../../base/settings.ts';
import type { AlertMessage } from '../message.ts';
import { isRecovery } from '../notification.ts';
import { annotationsOf, labelsOf, testLabels } from './alertmanager-group.ts';
import { nameSetting, type Post } from './channel.ts';

/** A channel of one Alertmanager, or of all members of a cluster. */
export const alertmanagerSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('alertmanager').describe('The API v2 of Alertmanager'),
  urls: z
    .array(
      secretSetting
        .refine(isHttpUrl, 'must be an http:// or https:// URL')
        .refine((url) => !addressMatches(url, /\/api\/v\d/), 'must be the address before /api/v2/alerts'),
    )
    .min(1)
    .describe(
      'Every member of the cluster, as http://alertmanager:9093: each one is told, for they never share the load',
    ),
  interval: durationSetting
    .prefault('24h')
    .describe(
      'How often a run or tick comes: an alert that is not sent again for two and a half times as long ends by itself, ' +
        'so that a dead maint leaves none behind; 5 min where `maint tick` runs every five minutes',
    ),
  token: secretSetting.optional().describe('Sent as `Authorization: Bearer …`'),
});

type AlertmanagerChannel = z.output<typeof alertmanagerSettings>;

const TEXT_LIMIT = 2_000;
/** A sent alert ends by itself after so many intervals. */
const INTERVALS = 2.5;
const TEST_LASTS_MS = 5 * 60_000;

/**
 * What to send to each member of the cluster: all alerts of the message, not only the first ten. Those that go on end
 * some intervals from now, those that are over end now.
 * @param at the instant of sending, which for a message from the spool is not that of the run
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function alertmanagerPosts(channel: AlertmanagerChannel, message: AlertMessage, at: Date): readonly Post[] {
  const json = message.kind === 'test' ? [testAlert(message, at)] : alertsIn(message, lastingUntil(channel, at), at);
  return channel.urls.map((url) => ({
    via: 'http',
    url,
    suffix: '/api/v2/alerts',
    bearer: channel.token,
    body: { json },
  }));
}

function lastingUntil({ interval }: AlertmanagerChannel, at: Date): Date {
  return new Date(at.getTime() + interval * INTERVALS);
}

function alertsIn(message: AlertMessage, until: Date, at: Date): readonly JsonBody[] {
  return message.notifications.map((notification) => ({
    labels: labelsOf(notification, message),
    annotations: annotationsOf(notification, message, TEXT_LIMIT),
    startsAt: notification.firstSeenAt,
    endsAt: later(notification.firstSeenAt, isRecovery(notification) ? at : until),
  }));
}

function testAlert(message: AlertMessage, at: Date): JsonBody {
  // One that is over before it began is taken and told to nobody, which is all that a canary needs.
  const isOver = message.test?.phase === 'resolve' || message.test?.isCanary === true;
  return {
    labels: testLabels(message),
    annotations: { summary: 'a test of the way that alerts take; nothing is wrong' },
    startsAt: message.at,
    endsAt: later(message.at, isOver ? at : new Date(at.getTime() + TEST_LASTS_MS)),
  };
}

/** Alertmanager refuses an end before the beginning, which a clock that was set back would make. */
function later(start: string, end: Date): string {
  return new Date(Math.max(Date.parse(start), end.getTime())).toISOString();
}
