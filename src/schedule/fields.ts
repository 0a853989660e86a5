/** One of the five fields of a schedule. */
export interface CronField {
  /** The numbers that it means; Sunday is 0. */
  readonly values: ReadonlySet<number>;
  /** Does it begin with a star? cron then lets the other one of day and weekday decide alone. */
  readonly isStar: boolean;
  readonly text: string;
}

/** When a job is due, as crontab(5) writes it. */
export interface CronExpression {
  /** Five fields with one space between them. */
  readonly text: string;
  readonly minute: CronField;
  readonly hour: CronField;
  readonly day: CronField;
  readonly month: CronField;
  readonly weekday: CronField;
}

/** The five fields in the order in which they are written. */
export const FIELD_NAMES = ['minute', 'hour', 'day', 'month', 'weekday'] as const;
type FieldName = (typeof FIELD_NAMES)[number];

interface FieldRange {
  readonly first: number;
  readonly last: number;
  /** Three letters each; the first stands for `first`. */
  readonly words: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** Days of the week as crontab(5) names them; the first is 0. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Which numbers each field takes. */
export const FIELD_RANGES: Readonly<Record<FieldName, FieldRange>> = {
  minute: { first: 0, last: 59, words: [] },
  hour: { first: 0, last: 23, words: [] },
  day: { first: 1, last: 31, words: [] },
  month: { first: 1, last: 12, words: MONTHS },
  weekday: { first: 0, last: 7, words: WEEKDAYS },
};

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** A schedule; or why cron would not understand it. */
export type ParsedExpression = { readonly expression: CronExpression } | { readonly fault: string };

/** Reads five fields, or a nickname such as `@daily`, as strictly as Debian's cron. */
export function parseExpression(text: string): ParsedExpression {
  const written = text.trim().toLowerCase();
  const nickname = Object.hasOwn(NICKNAMES, written) ? NICKNAMES[written] : undefined;
  const words = (nickname ?? written).split(/\s+/);
  if (written.startsWith('@') && nickname === undefined) return { fault: `${written} is no nickname of cron` };
  if (words.length !== 5) return { fault: `it has ${words.length} of 5 fields` };
  try {
    const [minute = '', hour = '', day = '', month = '', weekday = ''] = words;
    return {
      expression: {
        text: words.join(' '),
        minute: parseField('minute', minute),
        hour: parseField('hour', hour),
        day: parseField('day', day),
        month: parseField('month', month),
        weekday: parseField('weekday', weekday),
      },
    };
  } catch (error) {
    if (error instanceof FieldFault) return { fault: error.message };
    throw error;
  }
}

/** Can it come on this day? Where day and weekday are both restricted, cron takes either. */
export function comesOn(
  expression: CronExpression,
  date: { readonly month: number; readonly day: number; readonly weekday: number },
): boolean {
  const { day, weekday } = expression;
  const [onDay, onWeekday] = [day.values.has(date.day), weekday.values.has(date.weekday)];
  const isDue = day.isStar || weekday.isStar ? onDay && onWeekday : onDay || onWeekday;
  return isDue && expression.month.values.has(date.month);
}

/** Does it say both a day of the month and a weekday, of which cron takes either? */
export function isEitherDay({ day, weekday }: CronExpression): boolean {
  return !day.isStar && !weekday.isStar;
}

class FieldFault extends Error {}

function parseField(name: FieldName, text: string): CronField {
  const values = text.split(',').flatMap((part) => parsePart(name, part));
  const numbers = name === 'weekday' ? values.map((value) => value % 7) : values;
  return { values: new Set(numbers), isStar: text.startsWith('*'), text };
}

function parsePart(name: FieldName, part: string): readonly number[] {
  const { first, last } = FIELD_RANGES[name];
  const [range = '', step, ...more] = part.split('/');
  const [from = '', to, ...rest] = range.split('-');
  const isRange = range === '*' || to !== undefined;
  if (more.length > 0 || rest.length > 0 || (step !== undefined && !(isRange && /^[1-9]\d*$/.test(step))))
    throw new FieldFault(`"${part}" is no ${name}`);
  const low = range === '*' ? first : numberOf(name, from);
  // The 7 of a weekday is Sunday once more.
  const high =
    range === '*' ? Math.min(last, first === 0 && name === 'weekday' ? 6 : last) : numberOf(name, to ?? from);
  if (low > high) throw new FieldFault(`"${part}" counts down as a ${name}`);
  const by = Number(step ?? 1);
  return Array.from({ length: Math.floor((high - low) / by) + 1 }, (_, index) => low + index * by);
}

function numberOf(name: FieldName, text: string): number {
  const { first, last, words } = FIELD_RANGES[name];
  const word = words.indexOf(text);
  const value = word === -1 ? Number(text) : word + first;
  if (/^(\d+|[a-z]{3})$/.test(text) && value >= first && value <= last) return value;
  throw new FieldFault(`"${text}" is no ${name} from ${first} to ${last}`);
}
