import { isRaised, isRecovery, type Notification } from './notification.ts';
import type { Findings } from './problems.ts';
import type { Told } from './settle.ts';
import type { AlertState } from './state.ts';
import type { SpooledMessage } from './store.ts';

/** What a waiting message is held against. */
export interface Present {
  readonly findings: Findings;
  readonly states: readonly AlertState[];
  /** Names of the channels that are configured now. */
  readonly channels: readonly string[];
  /** Is a problem silenced, or acknowledged by someone, so that its alarm need not go out any more? */
  readonly isQuiet: (fingerprint: string) => boolean;
}

/**
 * Takes out what is no longer true: alarms of problems that are over, recoveries of problems that are back, and
 * channels that no longer exist. Pure.
 */
export function stillTrue(message: SpooledMessage, { findings, states, channels, isQuiet }: Present): SpooledMessage {
  const notifications = message.notifications.flatMap((notification): readonly Notification[] => {
    const { is } = findings.standing(notification);
    const isThere = is === 'open' || is === 'unknown';
    if (!isRecovery(notification)) return isThere && !isQuiet(notification.fingerprint) ? [notification] : [];
    if (is === 'open') return [];
    const state = states.find(({ fingerprint }) => fingerprint === notification.fingerprint);
    const listeners = recipients(notification, state?.deliveredTo ?? channels).filter((name) =>
      channels.includes(name),
    );
    return listeners.length === 0 ? [] : [{ ...notification, channels: listeners }];
  });
  return { ...message, notifications };
}

/**
 * What still waits after a try: an alarm that no channel took, and a recovery for the channels that did not take it. Pure.
 */
export function leftOf(message: SpooledMessage, told: readonly Told[]): SpooledMessage {
  const notifications = told.flatMap(({ notification, channels: taken }): readonly Notification[] => {
    if (!isRecovery(notification)) return taken.length === 0 ? [notification] : [];
    const { channels } = notification;
    const rest = channels === 'all' ? [] : channels.filter((name) => !taken.includes(name));
    return rest.length === 0 ? [] : [{ ...notification, channels: rest }];
  });
  const takenBy = [...new Set([...message.takenBy, ...told.flatMap(({ channels }) => channels)])];
  return { ...message, notifications, takenBy };
}

/** New notifications without those that say what already waits; and what waits, without what a new one says better. Pure. */
export function besideWaiting(
  fresh: readonly Notification[],
  waiting: readonly SpooledMessage[],
): { readonly fresh: readonly Notification[]; readonly waiting: readonly SpooledMessage[] } {
  const kept = fresh.filter(
    (next) => !waiting.some(({ notifications }) => notifications.some((old) => covers(old, next))),
  );
  return {
    fresh: kept,
    waiting: waiting.map((message) => ({
      ...message,
      notifications: message.notifications.filter((old) => !kept.some((next) => old.fingerprint === next.fingerprint)),
    })),
  };
}

/** Does what waits already say this? A problem that got worse meanwhile must be told anew. */
function covers(old: Notification, next: Notification): boolean {
  return (
    old.fingerprint === next.fingerprint &&
    isRecovery(old) === isRecovery(next) &&
    !isRaised(old.severity, next.severity)
  );
}

function recipients({ channels }: Notification, otherwise: readonly string[]): readonly string[] {
  return channels === 'all' ? otherwise : channels.filter((name) => otherwise.includes(name));
}
