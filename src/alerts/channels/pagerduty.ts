import { z } from 'zod';
import type { JsonBody } from '../../adapters/http.ts';
import { hasForm, secretSetting } from '../../adapters/secret-setting.ts';
import { Secret } from '../../base/secret.ts';
import type { AlertClass } from '../../engine/concern.ts';
import { placeOf, subjectOf, type AlertMessage } from '../message.ts';
import { isRecovery, type Notification, type Severity } from '../notification.ts';
import { clip, shortened } from '../text.ts';
import { addressSetting, nameSetting, type Post } from './channel.ts';
import { entryOf } from './entries.ts';

/** A channel that is a service of PagerDuty. */
export const pagerDutySettings = z.strictObject({
  name: nameSetting,
  type: z.literal('pagerduty').describe('An integration "Events API v2" of a service of PagerDuty'),
  routingKey: secretSetting
    .refine((key) => hasForm(key, /^\w{32}$/), 'must be 32 letters and digits')
    .describe('The integration key of the service'),
  region: z.enum(['us', 'eu']).default('us').describe('Where the account lives'),
  url: addressSetting
    .optional()
    .describe('Another server, where a proxy stands before PagerDuty: https://host; that of the region where left out'),
});

type PagerDutyChannel = z.output<typeof pagerDutySettings>;

const HOSTS: Readonly<Record<PagerDutyChannel['region'], string>> = {
  us: 'https://events.pagerduty.com',
  eu: 'https://events.eu.pagerduty.com',
};
const SUMMARY_LIMIT = 1_024;
const DEDUP_LIMIT = 255;
const TEXT_LIMIT = 2_000;

/** What PagerDuty understands, from how urgent a problem is and how bad. */
const SEVERITIES: Readonly<Record<AlertClass, Readonly<Record<Severity, string>>>> = {
  page: { fail: 'critical', crash: 'error', warn: 'warning' },
  ticket: { fail: 'error', crash: 'warning', warn: 'warning' },
  report: { fail: 'info', crash: 'info', warn: 'info' },
};

/**
 * What to send: one event for each notification, all of them, not only the first ten. The key of an event follows from
 * the names of the problem alone, so that its end finds it even when all state was lost; sending one twice is harmless.
 * @see https://developer.pagerduty.com/docs/send-alert-event
 */
export function pagerDutyPosts(channel: PagerDutyChannel, message: AlertMessage): readonly Post[] {
  const url = channel.url ?? new Secret(HOSTS[channel.region]);
  const send = (suffix: string, event: Event): Post => ({
    via: 'http',
    url,
    suffix,
    body: { json: { routing_key: channel.routingKey, ...event } },
    idKey: 'dedup_key',
  });
  if (message.test?.isCanary === true) return [send('/v2/change/enqueue', changeEvent(message))];
  const events =
    message.kind === 'test' ? [testEvent(message)] : message.notifications.map((each) => eventOf(each, message));
  return events.map((event) => send('/v2/enqueue', event));
}

type Event = { readonly [key: string]: JsonBody | undefined };

function eventOf(notification: Notification, message: AlertMessage): Event {
  const dedup = clip(`maint/${clip(message.project, 100)}/${notification.fingerprint}`, DEDUP_LIMIT);
  if (isRecovery(notification)) return { event_action: 'resolve', dedup_key: dedup };
  const { task, step, severity } = notification;
  const { link, summary, facts, remediation } = entryOf(notification, TEXT_LIMIT);
  return {
    event_action: 'trigger',
    dedup_key: dedup,
    client: 'maint',
    ...(link !== undefined && { client_url: link, links: [{ href: link, text: 'Runbook' }] }),
    payload: {
      summary: shortened(subjectOf({ ...message, notifications: [notification] }), SUMMARY_LIMIT),
      source: clip(message.host, 250),
      severity: SEVERITIES[notification.alertClass][severity],
      timestamp: message.at,
      component: clip(task, 250),
      group: clip(message.project, 250),
      class: clip(step, 250),
      custom_details: {
        summary,
        ...Object.fromEntries(facts.map(({ name, value }) => [name.toLowerCase(), value])),
        remediation,
        run: message.run,
      },
    },
  };
}

function testEvent(message: AlertMessage): Event {
  const dedup = `maint/test/${message.run}`;
  if (message.test?.phase === 'resolve') return { event_action: 'resolve', dedup_key: dedup };
  return {
    event_action: 'trigger',
    dedup_key: dedup,
    client: 'maint',
    payload: {
      summary: shortened(subjectOf(message), SUMMARY_LIMIT),
      source: clip(message.host, 250),
      severity: 'info',
      timestamp: message.at,
      custom_details: { place: placeOf(message), note: 'A test. It resolves itself at once.' },
    },
  };
}

/** A change event proves key and way without an incident: nobody is called. */
function changeEvent(message: AlertMessage): Event {
  return {
    payload: {
      summary: shortened(subjectOf(message), SUMMARY_LIMIT),
      source: clip(message.host, 250),
      timestamp: message.at,
      custom_details: { run: message.run },
    },
  };
}
