import { createHash } from 'node:crypto';
import { MaintError } from '../base/errors.ts';
import { parseDuration } from '../base/units.ts';
import type { Cadence } from '../engine/cadence.ts';
import { describeExpression, describeInterval } from './cadence-words.ts';
import type { CronExpression } from './fields.ts';
import { readSchedule } from './simulate.ts';
import { instantOf } from './zone.ts';

/** When something is due, as a person wrote it: five fields of crontab, or how long it is from one time to the next. */
export type OwnSchedule =
  | { readonly kind: 'cron'; readonly expression: CronExpression }
  | { readonly kind: 'interval'; readonly everyMs: number };

const MINUTE_MS = 60_000;
/** `maint tick` comes so often, and nothing shorter can be kept. */
const SHORTEST_MS = 5 * MINUTE_MS;
const LONGEST_MS = 366 * 24 * 60 * MINUTE_MS;

/** Reads a schedule. @returns why it is none, in words, where it is none */
export function readOwnSchedule(text: string): { readonly schedule: OwnSchedule } | { readonly fault: string } {
  if (!looksLikeInterval(text)) {
    const read = readSchedule(text);
    if ('expression' in read) return { schedule: { kind: 'cron', ...read } };
    // The reason repeats a piece of the text, which should be repeated only where it looks like a schedule.
    return { fault: /^[\w\s*,/@?#-]{1,40}$/.test(text) ? read.fault : 'it is of another form' };
  }
  try {
    const everyMs = parseDuration(text);
    if (everyMs < SHORTEST_MS) return { fault: 'maint tick comes every five minutes, so nothing shorter can be kept' };
    if (everyMs > LONGEST_MS) return { fault: 'it is longer than a year' };
    if (everyMs % MINUTE_MS !== 0) return { fault: 'it is no whole number of minutes' };
    return { schedule: { kind: 'interval', everyMs } };
  } catch (error) {
    if (error instanceof MaintError) return { fault: 'its unit is none of min, h, days and weeks' };
    throw error;
  }
}

function looksLikeInterval(text: string): boolean {
  return /^\s*\d+(\.\d+)?\s*[a-z]+\s*$/i.test(text);
}

/** What the times of an interval follow from. */
interface CadenceRequest {
  /** IANA name. */
  readonly timezone: string;
  /** The project and the job, so that not all of them begin in the same minute. */
  readonly seed: string;
}

/** A schedule as instants. Those of an interval are counted from three o'clock in the morning of a Monday long past. */
export function cadenceOf(schedule: OwnSchedule, { timezone, seed }: CadenceRequest): Cadence {
  if (schedule.kind === 'cron') return { kind: 'cron', expression: schedule.expression.text, timezone };
  const minute = createHash('sha256').update(seed).digest().readUInt32BE(0) % 60;
  const anchorMs = instantOf('2000-01-03T03:00', timezone).getTime() + minute * MINUTE_MS;
  return { kind: 'interval', everyMs: schedule.everyMs, anchorMs };
}

/** A schedule in words: `at 03:17 on Sunday`, `every 36 h`. */
export function describeSchedule(schedule: OwnSchedule): string {
  return schedule.kind === 'cron' ? describeExpression(schedule.expression) : describeInterval(schedule.everyMs);
}
