import { webhookSignature } from '../adapters/webhook-signature.ts';
import type { Secret } from '../base/secret.ts';
import { shownOf, statusOf, subjectOf, type AlertMessage } from './message.ts';
import { isRecovery } from './notification.ts';
import { clip, fitted } from './text.ts';

const BODY_LIMIT_BYTES = 19_000;
/** Characters for a summary, and for all remediation, of one notification; tried in this order until the body fits. */
const TEXT_LIMITS = [2_000, 600, 250, 100] as const;

/**
 * Writes the body for a generic webhook, below 20 kB: `{ type, timestamp, data }`. The same message always gives the
 * same body.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookBody(message: AlertMessage): string {
  return fitted(
    TEXT_LIMITS,
    (limit) => body(message, limit),
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

function body(message: AlertMessage, limit: number): string {
  const { shown, more } = shownOf(message);
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
      alerts: shown.map((notification) => ({
        status: isRecovery(notification) ? 'resolved' : 'firing',
        fingerprint: notification.fingerprint,
        reason: notification.reason,
        severity: notification.severity,
        task: clip(notification.task, limit),
        step: clip(notification.step, limit),
        summary: clip(notification.summary, limit),
        remediation: withinLimit(notification.remediation, limit),
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
