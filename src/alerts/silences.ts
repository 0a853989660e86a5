import { DAY_MS } from '../base/units.ts';
import { slotAt } from '../engine/slots.ts';
import { parseMatcher } from './match.ts';
import type { Mute } from './policy.ts';
import type { Window } from './route-settings.ts';
import { isOpen, type AlertState } from './state.ts';

/** Somebody's wish not to be told of something for a while. Plain data, stored as JSON. */
export interface Silence {
  /** Eight hex digits. */
  readonly id: string;
  /** Conditions as they were typed; all must hold. */
  readonly match: readonly string[];
  readonly by: string;
  readonly reason: string;
  /** ISO instants. */
  readonly at: string;
  readonly until: string;
  /** It also ends once everything it kept silent is over. */
  readonly untilResolved: boolean;
  /** Fingerprints of what it kept silent, at most a hundred. */
  readonly kept: readonly string[];
  /** How many alarms it kept from being told. */
  readonly count: number;
  /** ISO instant at which it last matched something; null while it has not. */
  readonly matchedAt: string | null;
  /** ISO instant at which it ended before its time; null where it did not. */
  readonly endedAt: string | null;
}

/** No silence may last longer: what is silent for months is a check that nobody wants. */
export const LONGEST_SILENCE_MS = 30 * DAY_MS;
const STALE_MS = 7 * DAY_MS;
const FORGOTTEN_MS = 60 * DAY_MS;
const MOST_KEPT = 100;

/** Does it still keep something silent? */
export function isOn({ until, endedAt }: Silence, now: Date): boolean {
  return endedAt === null && Date.parse(until) > now.getTime();
}

/** Is it on, and has it matched nothing for a week? Then it guards against nothing but the next real alarm. */
export function isStale(silence: Silence, now: Date): boolean {
  return isOn(silence, now) && now.getTime() - Date.parse(silence.matchedAt ?? silence.at) > STALE_MS;
}

/** What is silent at this instant: silences of people first, then windows of planned work. */
export function mutesAt(silences: readonly Silence[], windows: readonly Window[], now: Date): readonly Mute[] {
  return [
    ...silences.filter((silence) => isOn(silence, now)).map(asMute),
    ...windows.flatMap((window, index) => windowAt(window, index, now) ?? []),
  ];
}

function asMute({ id: silence, match, by, reason, until }: Silence): Mute {
  return { silence, by, reason, until, matchers: match.map(parseMatcher) };
}

function windowAt({ cron, timezone, for: lengthMs, match, by, reason }: Window, index: number, now: Date) {
  const begin = slotAt(cron, timezone, now);
  const end = begin === undefined ? 0 : begin.getTime() + lengthMs;
  if (end <= now.getTime()) return undefined;
  return { silence: `window-${index + 1}`, by, reason, until: new Date(end).toISOString(), matchers: match };
}

/**
 * Counts what each silence kept from being told, ends those that were to end with their problems, and forgets old ones.
 */
export function withMatches(
  silences: readonly Silence[],
  states: readonly AlertState[],
  now: Date,
): readonly Silence[] {
  const open = new Set(states.filter(isOpen).map(({ fingerprint }) => fingerprint));
  return silences
    .filter(({ until, endedAt }) => now.getTime() - Date.parse(endedAt ?? until) < FORGOTTEN_MS)
    .map((silence) => {
      if (!isOn(silence, now)) return silence;
      const own = states.filter(({ muted }) => muted?.silence === silence.id).map(({ fingerprint }) => fingerprint);
      const kept = [...new Set([...silence.kept, ...own])].slice(-MOST_KEPT);
      const isOver = silence.untilResolved && kept.length > 0 && !kept.some((fingerprint) => open.has(fingerprint));
      return {
        ...silence,
        kept,
        count: silence.count + own.length,
        matchedAt: own.length > 0 ? now.toISOString() : silence.matchedAt,
        endedAt: isOver ? now.toISOString() : null,
      };
    });
}
