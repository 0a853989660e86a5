import type { AlertEvent } from './events.ts';
import { bareState, type AlertState } from './state.ts';

/**
 * What the channels believe, from the history alone, for when the states are lost: a problem that they took and whose end
 * they did not. Ids follow from names, so a resolve reaches the incident that the lost state had opened.
 * @param events oldest first
 */
export function rebuiltStates(events: readonly AlertEvent[]): readonly AlertState[] {
  const states = new Map<string, AlertState>();
  for (const event of events) {
    const state = states.get(event.fingerprint);
    if (event.kind === 'told') states.set(event.fingerprint, afterTold(state, event));
    if (event.kind === 'resolved' && state !== undefined)
      states.set(event.fingerprint, { ...state, phase: 'ok', recent: '.', summary: event.summary });
    if (event.kind !== 'ended' || state === undefined) continue;
    const deliveredTo = state.deliveredTo.filter((channel) => !event.channels.includes(channel));
    if (deliveredTo.length === 0) states.delete(event.fingerprint);
    else states.set(event.fingerprint, { ...state, deliveredTo, lastToldAt: null });
  }
  return [...states.values()];
}

function afterTold(state: AlertState | undefined, event: AlertEvent): AlertState {
  const { fingerprint, task, step, check, alertClass, severity, summary, at, story: firstSeenAt, channels } = event;
  const named = { fingerprint, task, step, check, alertClass, severity, summary, firstSeenAt };
  return bareState({
    ...named,
    phase: 'firing',
    recent: '!',
    seenAt: at,
    lastToldAt: at,
    alarmedAt: state?.alarmedAt ?? at,
    toldClass: state?.toldClass === 'page' ? 'page' : alertClass,
    deliveredTo: [...new Set([...(state?.deliveredTo ?? []), ...channels])],
  });
}
