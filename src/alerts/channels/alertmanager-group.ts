import { placeOf, shownOf, statusOf, type AlertMessage } from '../message.ts';
import { isRecovery, type Notification } from '../notification.ts';
import { entryOf } from './entries.ts';
import { clip, fitted, roomsOf, shortened, type Room } from '../text.ts';

const BODY_LIMIT_BYTES = 60_000;
/** Tried in this order until the body fits. */
const ROOMS = roomsOf(2_000, 600, 200);
/** What Alertmanager writes for the end of an alert that has none. */
const NO_END = '0001-01-01T00:00:00Z';

/** What tells one alert from another, in the words of Prometheus. */
export function labelsOf(notification: Notification, message: AlertMessage): Readonly<Record<string, string>> {
  const { task, step, severity, owner } = notification;
  return {
    alertname: `Maint${pascal(task)}`,
    severity: severity === 'warn' ? 'warning' : 'critical',
    project: clip(message.project, 200),
    task: clip(task, 200),
    check: clip(step, 200),
    class: notification.alertClass,
    ...(owner !== null && { owner: clip(owner, 200) }),
  };
}

/** What people read about an alert. */
export function annotationsOf(
  notification: Notification,
  message: AlertMessage,
  limit: number,
): Readonly<Record<string, string>> {
  const { summary, impact, remediation } = notification;
  const { link } = entryOf(notification, limit);
  return {
    summary: shortened(summary, limit),
    ...(impact !== null && { description: shortened(impact, limit) }),
    ...(remediation.length > 0 && { remediation: shortened(remediation.join('\n'), limit) }),
    ...(link !== undefined && { runbook_url: link }),
    host: clip(message.host, 200),
    run: message.run,
  };
}

/** What stands for the alert of a test. */
export function testLabels({ project, run }: AlertMessage): Readonly<Record<string, string>> {
  return { alertname: 'MaintTest', severity: 'none', project: clip(project, 200), test: run };
}

/**
 * A message in the format, version 4, in which Alertmanager calls its own receivers.
 * @param receiver the name of the channel
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
export function alertGroup(message: AlertMessage, receiver: string): string {
  return fitted(
    ROOMS,
    (room) => JSON.stringify(group(message, receiver, room)),
    (text) => Buffer.byteLength(text) <= BODY_LIMIT_BYTES,
  );
}

function group(message: AlertMessage, receiver: string, room: Room): unknown {
  const project = clip(message.project, 200);
  const { more } = shownOf(message, room.count);
  const isResolved = message.test?.phase === 'resolve' || statusOf(message) === 'resolved';
  return {
    version: '4',
    groupKey: `maint/${project}`,
    truncatedAlerts: more,
    status: isResolved ? 'resolved' : 'firing',
    receiver,
    groupLabels: { project },
    commonLabels: { project },
    commonAnnotations: { place: placeOf(message) },
    externalURL: '',
    alerts: message.kind === 'test' ? [testAlert(message)] : alertsIn(message, room),
  };
}

function alertsIn(message: AlertMessage, { limit, count }: Room): readonly unknown[] {
  return shownOf(message, count).shown.map((notification) => ({
    labels: labelsOf(notification, message),
    annotations: annotationsOf(notification, message, limit),
    startsAt: notification.firstSeenAt,
    ...endOf(isRecovery(notification), message.at),
    fingerprint: notification.fingerprint,
  }));
}

function testAlert(message: AlertMessage): unknown {
  return {
    labels: testLabels(message),
    annotations: { summary: 'a test of the way that alerts take; nothing is wrong' },
    startsAt: message.at,
    ...endOf(message.test?.phase === 'resolve', message.at),
    fingerprint: message.run.replaceAll('-', '').slice(0, 16),
  };
}

function endOf(isOver: boolean, at: string): Readonly<Record<string, string>> {
  return { status: isOver ? 'resolved' : 'firing', endsAt: isOver ? at : NO_END, generatorURL: '' };
}

function pascal(task: string): string {
  return clip(task, 80)
    .split(/[^a-z0-9]+/i)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}
