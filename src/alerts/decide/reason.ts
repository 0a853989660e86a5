import { formatDuration } from '../../base/units.ts';
import { isRaised, type Reason } from '../notification.ts';
import type { Escalation, Handling, Mute } from '../policy.ts';
import { isOpen, type AlertState } from '../state.ts';
import type { Observation } from './observe.ts';

/** Why to tell something now, to whom, and what else to say of it. */
export interface Telling {
  readonly reason: Reason;
  /** Where it goes, where that is not the route. */
  readonly channels?: readonly string[];
  readonly note?: string;
}

/** What a reason rests on. */
export interface Grounds {
  readonly observation: Observation['is'];
  readonly handling: Handling;
  /** The silence that is on for it. */
  readonly mute: Mute | undefined;
  readonly now: Date;
}

/** Is there something to tell, and why? Says nothing of the hours. */
export function reasonFor(state: AlertState, grounds: Grounds): Telling | undefined {
  const { handling, mute } = grounds;
  if (state.phase === 'ok') return endOf(state, mute !== undefined);
  if (state.phase === 'pending' || handling.route === undefined || mute !== undefined) return undefined;
  if (state.flapping === 'notice') return { reason: 'flapping_started' };
  if (isRaisedSince(state)) return { reason: 'severity_raised' };
  if (state.flapping === 'quiet') return undefined;
  if (state.flapping === 'stable') return { reason: 'flapping_stopped' };
  // What looks better already is not told while it may be over soon.
  return state.phase === 'firing' ? standing(state, grounds) : undefined;
}

/** The end goes to whoever took the alarm, also when the problem is silenced; one that comes and goes has not ended. */
function endOf({ deliveredTo, flapping, ending }: AlertState, isMuted: boolean): Telling | undefined {
  if (deliveredTo.length === 0) return undefined;
  if (flapping === 'notice') return isMuted ? undefined : { reason: 'flapping_started' };
  if (flapping === 'quiet') return undefined;
  const note = flapping === 'stable' ? { note: 'it came and went, and is stable now' } : {};
  return { reason: ending ?? 'recovered', channels: deliveredTo, ...note };
}

function isRaisedSince({ lastToldAt, severity, seen }: AlertState): boolean {
  return lastToldAt !== null && isRaised(severity, seen);
}

function standing(state: AlertState, grounds: Grounds): Telling | undefined {
  const { lastToldAt, muted, ack } = state;
  const now = grounds.now.getTime();
  if (muted !== null) return { reason: 'silence_expired', note: silenceNote(muted, now) };
  if (lastToldAt === null) return { reason: 'first' };
  if (ack !== null) return now < Date.parse(ack.until) ? undefined : { reason: 'ack_expired', note: ackNote(ack, now) };
  const step = dueEscalation(state, grounds);
  if (step !== undefined) return { reason: 'escalated', channels: step.to };
  const isDue = now - Date.parse(lastToldAt) >= (grounds.handling.route?.repeatAfterMs ?? Infinity);
  // Nobody looked at it in this run, so nobody knows whether it is still there.
  return isDue && grounds.observation === 'problem' ? { reason: 'repeat_due' } : undefined;
}

function dueEscalation({ alarmedAt, escalations }: AlertState, { handling, now }: Grounds): Escalation | undefined {
  const step = handling.route?.escalate[escalations];
  if (step === undefined || alarmedAt === null) return undefined;
  return now.getTime() - Date.parse(alarmedAt) >= step.afterMs ? step : undefined;
}

function silenceNote({ by, reason, until }: NonNullable<AlertState['muted']>, now: number): string {
  return `the silence of ${by} (${reason}) expired ${ago(until, now)}`;
}

function ackNote({ by, note, until }: NonNullable<AlertState['ack']>, now: number): string {
  return `acknowledged by ${by}${note === null ? '' : ` (${note})`} until ${ago(until, now)}`;
}

/** A silence may also end before its time. */
function ago(instant: string, now: number): string {
  const ms = now - Date.parse(instant);
  return ms < 60_000 ? 'just now' : `${formatDuration(ms)} ago`;
}

/** Is it known as a problem to some channel? */
export function isTold(state: AlertState): boolean {
  return isOpen(state) && state.lastToldAt !== null;
}
