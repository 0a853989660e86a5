import type { AlertMessage } from '../../src/alerts/message.ts';
import type { Notification } from '../../src/alerts/notification.ts';

/** A notification that lacks nothing; a test names what matters to it. */
export function notificationOf(differences: Partial<Notification> = {}): Notification {
  return {
    fingerprint: '0123456789abcdef',
    reason: 'first',
    task: 'health',
    step: 'disk /',
    severity: 'fail',
    summary: '99 % full',
    remediation: ['df -h /'],
    check: 'disk',
    alertClass: 'ticket',
    impact: null,
    owner: null,
    note: null,
    firstSeenAt: '2026-11-21T02:00:00.000Z',
    channels: 'all',
    fallback: [],
    group: '',
    ...differences,
  };
}

/** A message with these notifications. */
export function messageOf(
  notifications: readonly Notification[],
  differences: Partial<AlertMessage> = {},
): AlertMessage {
  return {
    id: 'alert_0f0e0d0c-0b0a-4908-8706-050403020100',
    kind: 'alert',
    at: '2026-11-21T02:00:00.000Z',
    run: '0f0e0d0c-0b0a-4908-8706-050403020100',
    command: 'daily',
    project: 'shop',
    host: 'db1',
    notifications,
    ...differences,
  };
}
