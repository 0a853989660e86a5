import { isRecovery, type Notification } from './notification.ts';
import type { AlertClass } from '../engine/concern.ts';
import { bareState, type AlertState } from './state.ts';

/** A notification and the channels that took it. */
export interface Told {
  readonly notification: Notification;
  readonly channels: readonly string[];
  /** ISO instant of the run that told it. */
  readonly at: string;
}

/** Writes into the states what was told where. What no channel took changes nothing. Pure. */
export function settle(states: readonly AlertState[], told: readonly Told[]): readonly AlertState[] {
  const settled = new Map(states.map((state) => [state.fingerprint, state]));
  for (const entry of told.filter(({ channels }) => channels.length > 0)) {
    const { fingerprint } = entry.notification;
    const state = settled.get(fingerprint) ?? lostState(entry);
    settled.set(fingerprint, isRecovery(entry.notification) ? afterRecovery(state, entry) : afterAlarm(state, entry));
  }
  return [...settled.values()];
}

function afterAlarm(state: AlertState, { notification, channels, at }: Told): AlertState {
  const { reason, severity, alertClass } = notification;
  const isAnswered = reason === 'severity_raised' || reason === 'ack_expired';
  return {
    ...state,
    severity,
    lastToldAt: at,
    alarmedAt: state.alarmedAt ?? at,
    toldClass: moreUrgent(state.toldClass, alertClass),
    deliveredTo: [...new Set([...state.deliveredTo, ...channels])],
    muted: null,
    ack: isAnswered ? null : state.ack,
    escalations: state.escalations + (reason === 'escalated' ? 1 : 0),
    flapping: afterNotice(state.flapping, reason),
  };
}

function afterNotice(flapping: AlertState['flapping'], reason: Notification['reason']): AlertState['flapping'] {
  if (reason === 'flapping_started') return 'quiet';
  return reason === 'flapping_stopped' ? null : flapping;
}

/** The story ends with the first channel that knows; the others still have to hear of it. */
function afterRecovery(state: AlertState, { channels }: Told): AlertState {
  const deliveredTo = state.deliveredTo.filter((channel) => !channels.includes(channel));
  const flapping = deliveredTo.length === 0 ? null : state.flapping;
  return { ...state, deliveredTo, lastToldAt: null, ack: null, flapping };
}

function moreUrgent(told: AlertClass | null, now: AlertClass): AlertClass {
  return told === 'page' || now === 'page' ? 'page' : now;
}

/** What a notification from the spool says of a problem whose state is gone. */
function lostState({ notification, at }: Told): AlertState {
  const { fingerprint, task, step, check, severity, alertClass, summary, impact, firstSeenAt } = notification;
  const named = { fingerprint, task, step, check, severity, alertClass, summary, impact, firstSeenAt };
  const isOver = isRecovery(notification);
  return bareState({ ...named, phase: isOver ? 'ok' : 'firing', recent: isOver ? '.' : '!', seenAt: at });
}
