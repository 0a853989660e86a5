import { isRecovery, type Notification } from './notification.ts';
import type { AlertState } from './store.ts';

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
    const state = settled.get(fingerprint);
    const next = isRecovery(entry.notification) ? afterRecovery(state, entry) : afterAlarm(state, entry);
    if (next === undefined) settled.delete(fingerprint);
    else settled.set(fingerprint, next);
  }
  return [...settled.values()];
}

function afterAlarm(state: AlertState | undefined, { notification, channels, at }: Told): AlertState {
  const { fingerprint, task, step, severity, summary, firstSeenAt } = notification;
  return {
    ...(state ?? { fingerprint, task, step, summary, firstSeenAt }),
    severity,
    lastToldAt: at,
    deliveredTo: [...new Set([...(state?.deliveredTo ?? []), ...channels])],
  };
}

/** The problem is forgotten when each channel that took the alarm has taken its end. */
function afterRecovery(state: AlertState | undefined, { channels }: Told): AlertState | undefined {
  const deliveredTo = (state?.deliveredTo ?? []).filter((channel) => !channels.includes(channel));
  return state === undefined || deliveredTo.length === 0 ? undefined : { ...state, deliveredTo, lastToldAt: null };
}
