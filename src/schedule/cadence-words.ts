import { FIELD_RANGES, isEitherDay, type CronExpression, type CronField } from './fields.ts';
import { clock } from './zone.ts';

const MONTH_NAMES = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** More times than this in a day are told by their rule. */
const MOST_TIMES = 6;

/** A schedule of crontab in words: `at 03:17 every day`, `at minute 5 of every hour on Monday in January`. */
export function describeExpression(expression: CronExpression): string {
  const months = namesOf(expression.month, MONTH_NAMES, FIELD_RANGES.month.first);
  const time = timeWords(expression);
  const days = dayWords(expression) ?? (time.startsWith('every') ? undefined : 'every day');
  return [time, days, months && `in ${months}`].filter((words) => words !== undefined).join(' ');
}

function timeWords({ minute, hour }: CronExpression): string {
  const step = /^\*\/(\d+)$/.exec(minute.text)?.[1];
  if (hour.values.size === 24) {
    if (minute.values.size === 60) return 'every minute';
    return step === undefined ? `at minute ${listed(numbersOf(minute))} of every hour` : `every ${step} minutes`;
  }
  if (minute.values.size * hour.values.size <= MOST_TIMES) {
    const times = numbersOf(hour).flatMap((hours) =>
      numbersOf(minute).map((minutes) => clock({ hour: hours, minute: minutes })),
    );
    return `at ${listed(times)}`;
  }
  const minutes = minute.values.size === 60 ? 'every minute' : `minute ${listed(numbersOf(minute))}`;
  return `at ${minutes} of the hours ${listed(numbersOf(hour))}`;
}

/** @returns undefined for every day */
function dayWords(expression: CronExpression): string | undefined {
  const { day, weekday } = expression;
  const days = day.values.size === 31 ? undefined : `on day ${listed(numbersOf(day))} of the month`;
  const names = namesOf(weekday, WEEKDAY_NAMES, 0);
  const weekdays = names === undefined ? undefined : `on ${names}`;
  if (days === undefined || weekdays === undefined) return days ?? weekdays;
  return `${days} ${isEitherDay(expression) ? 'or' : 'where that is'} ${weekdays}`;
}

/** @returns undefined where it is every one of them */
function namesOf({ values }: CronField, names: readonly string[], first: number): string | undefined {
  if (values.size === names.length) return undefined;
  return listed(names.filter((_, index) => values.has(index + first)));
}

function numbersOf({ values }: CronField): readonly number[] {
  return [...values].toSorted((a, b) => a - b);
}

function listed(items: readonly (string | number)[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

const UNITS = [
  ['week', 7 * 24 * 60],
  ['day', 24 * 60],
  ['hour', 60],
  ['minute', 1],
] as const;

/** `every day`, `every 36 hours`. @param everyMs a whole number of minutes */
export function describeInterval(everyMs: number): string {
  const minutes = everyMs / 60_000;
  const [unit, size] = UNITS.find(([, length]) => minutes % length === 0) ?? ['minute', 1];
  const count = minutes / size;
  return count === 1 ? `every ${unit}` : `every ${count} ${unit}s`;
}
