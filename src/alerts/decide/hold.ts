import type { AlertPolicy, Handling } from '../policy.ts';
import { shiftOf } from '../policy.ts';
import type { AlertState } from '../state.ts';

/**
 * Must this wait for the hours of its owner? A digest waits for the beginning of the next ones, so that a working day has
 * one message. An end goes the way of its alarm: what was told as a page ends at any hour.
 */
export function isHeld(
  state: AlertState,
  { route, owner }: Pick<Handling, 'route' | 'owner'>,
  { policy, now }: { readonly policy: AlertPolicy; readonly now: Date },
): boolean {
  const { phase, toldClass } = state;
  const told = phase === 'ok' && toldClass !== null && toldClass !== 'report' ? policy.routes[toldClass] : route;
  if (told === undefined || !told.isHeld) return false;
  const shift = shiftOf(owner, policy, now);
  if (shift === undefined) return false;
  const since = phase === 'ok' ? state.seenAt : state.firstSeenAt;
  return !shift.isNow || (told.isDigest && Date.parse(since) >= shift.beganAt.getTime());
}
