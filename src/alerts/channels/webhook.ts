import { z } from 'zod';
import { secretSetting } from '../../adapters/secret-setting.ts';
import { isSigningKey, webhookSignature } from '../../adapters/webhook-signature.ts';
import type { Secret } from '../../base/secret.ts';
import { shownOf, statusOf, subjectOf, type AlertMessage } from '../message.ts';
import { isRecovery } from '../notification.ts';
import { clip, fitted, roomsOf, shortened, type Room } from '../text.ts';
import { alertGroup } from './alertmanager-group.ts';
import { addressSetting, nameSetting, type Post } from './channel.ts';

/** A channel that is any HTTP endpoint. */
export const webhookSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('webhook').describe('Any HTTP endpoint, in the format of Standard Webhooks'),
  url: addressSetting,
  format: z
    .enum(['standard', 'alertmanager'])
    .default('standard')
    .describe(
      '`standard` is the body that docs/channels.md describes, `alertmanager` that of the webhooks of Alertmanager, for ' +
        'receivers that were written for it; both carry the headers of Standard Webhooks',
    ),
  signingKey: secretSetting
    .refine(isSigningKey, 'must be whsec_ followed by the base64 of 24 to 64 bytes')
    .optional()
    .describe('Signs each message: `whsec_…`; two keys with a space between them while one replaces the other'),
});

/** What to send. */
export function webhookPosts(channel: z.output<typeof webhookSettings>, message: AlertMessage): readonly Post[] {
  const { url, format, name, signingKey } = channel;
  const body = format === 'standard' ? webhookBody(message) : alertGroup(message, name);
  const headers = (now: Date): Readonly<Record<string, string>> => ({
    'content-type': 'application/json',
    ...webhookHeaders({ id: message.id, body, now, signingKey }),
  });
  return [{ via: 'http', url, body, headers }];
}

const BODY_LIMIT_BYTES = 19_000;
/** Tried in this order until the body fits. */
const ROOMS = roomsOf(2_000, 600, 250, 100);

/**
 * Writes the body for a generic webhook, below 20 kB: `{ type, timestamp, data }`. The same message always gives the
 * same body.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookBody(message: AlertMessage): string {
  return fitted(
    ROOMS,
    (room) => body(message, room),
    (text) => Buffer.byteLength(text) <= BODY_LIMIT_BYTES,
  );
}

/** What the headers of one attempt rest on. */
export interface WebhookAttempt {
  readonly id: string;
  readonly body: string;
  /** Of the attempt, not of the message. */
  readonly now: Date;
  /** Without a key the message goes unsigned. */
  readonly signingKey: Secret | undefined;
}

/** The headers of Standard Webhooks for one attempt. */
export function webhookHeaders({ id, body, now, signingKey }: WebhookAttempt): Readonly<Record<string, string>> {
  const timestamp = Math.floor(now.getTime() / 1_000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    ...(signingKey !== undefined && { 'webhook-signature': webhookSignature({ id, timestamp, body }, signingKey) }),
  };
}

function body(message: AlertMessage, { limit, count }: Room): string {
  const { shown, more } = shownOf(message, count);
  return JSON.stringify({
    type: `maint.alert.${statusOf(message)}`,
    timestamp: message.at,
    data: {
      subject: subjectOf(message),
      project: clip(message.project, limit),
      host: clip(message.host, limit),
      command: clip(message.command, limit),
      run: message.run,
      more,
      ...(message.test !== undefined && { phase: message.test.phase }),
      alerts: shown.map((notification) => ({
        status: isRecovery(notification) ? 'resolved' : 'firing',
        fingerprint: notification.fingerprint,
        reason: notification.reason,
        severity: notification.severity,
        task: clip(notification.task, limit),
        step: clip(notification.step, limit),
        summary: shortened(notification.summary, limit),
        remediation: withinLimit(notification.remediation, limit),
        class: notification.alertClass,
        owner: notification.owner && clip(notification.owner, limit),
        impact: notification.impact && shortened(notification.impact, limit),
        note: notification.note && shortened(notification.note, limit),
        firstSeenAt: notification.firstSeenAt,
      })),
    },
  });
}

/** As many lines as fit into the limit together. */
function withinLimit(lines: readonly string[], limit: number): readonly string[] {
  let left = limit;
  return lines.filter((line) => {
    left -= line.length;
    return left >= 0;
  });
}
