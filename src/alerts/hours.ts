import { MaintError } from '../base/errors.ts';
import { nextSlot, slotAt } from '../engine/slots.ts';

/** When somebody is at work, as two schedules in a time zone. */
export interface Hours {
  /** As it was written: `Mon-Fri 09:00-18:00 Europe/Berlin`. */
  readonly text: string;
  /** Cron expressions: when it begins, and when it ends. */
  readonly begin: string;
  readonly end: string;
  /** IANA name. */
  readonly zone: string;
}

const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const PATTERN = /^(\S+)\s+(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})\s+(\S+)$/;

/**
 * Reads hours: days, from and to, and a time zone. An end before the beginning lies on the next day.
 * @throws MaintError USAGE when the text is of another form, or names no day, time or zone
 */
export function parseHours(text: string): Hours {
  const [, days = '', h1, m1, h2, m2, zone = ''] = PATTERN.exec(text.trim()) ?? [];
  const [fromHour, fromMinute, toHour, toMinute] = [h1, m1, h2, m2].map(Number);
  const isTime = (hour = NaN, minute = NaN, last = 23): boolean => hour <= last && minute <= 59;
  if (!isTime(fromHour, fromMinute) || !isTime(toHour, toMinute)) throw wrong(text, 'it has no times of day');
  if (!isZone(zone)) throw wrong(text, `"${zone}" is no time zone`);
  const weekdays = daysOf(days.toLowerCase());
  if (weekdays === undefined) throw wrong(text, `"${days}" are no days of the week`);
  return { text, begin: `${fromMinute} ${fromHour} * * ${weekdays}`, end: `${toMinute} ${toHour} * * *`, zone };
}

/** The hours that are now, or were last. */
export interface Shift {
  readonly isNow: boolean;
  /** When they began. */
  readonly beganAt: Date;
}

/** Are these hours now, and since when? The cron arithmetic knows summer time. */
export function shiftAt({ begin, end, zone }: Hours, now: Date): Shift {
  const beganAt = slotAt(begin, zone, now) ?? new Date(0);
  const endsAt = nextSlot(end, zone, beganAt);
  return { isNow: endsAt !== undefined && now < endsAt, beganAt };
}

function daysOf(text: string): string | undefined {
  const parts = text.split(',').map((part) => {
    const [first, last = first, ...rest] = part.split('-').map((day) => DAYS.indexOf(day.slice(0, 3)));
    const isKnown = first !== undefined && last !== undefined && first >= 0 && last >= 0 && rest.length === 0;
    if (!isKnown) return undefined;
    // Sat-Mon goes round the end of the week.
    const count = ((last - first + 7) % 7) + 1;
    return Array.from({ length: count }, (_, index) => (first + index) % 7).join(',');
  });
  return parts.includes(undefined) ? undefined : parts.join(',');
}

function isZone(name: string): boolean {
  // The hours that hold by default are read at every start, and the first formatter costs more than all the rest of them.
  if (name === 'UTC') return true;
  try {
    return /^[a-z]/i.test(name) && Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function wrong(text: string, reason: string): MaintError {
  return new MaintError('USAGE', `"${text}" are no hours: ${reason}`, {
    hint: 'Write them as Mon-Fri 09:00-18:00 Europe/Berlin.',
  });
}
