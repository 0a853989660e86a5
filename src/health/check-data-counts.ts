import { z } from 'zod';
import { DAY_MS, formatCount, formatShare, plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { TimedSample } from '../engine/sample.ts';
import { defineCheck, type Around } from './check.ts';
import { median } from './median.ts';
import { namesDiffer, nameSetting, numberOf, querySetting, SAME_NAME } from './named-sql.ts';
import type { Reader } from '../adapters/postgres.ts';

const countSettings = z.strictObject({
  name: nameSetting,
  sql: querySetting.describe('A query whose answer is one number, such as SELECT count(*) FROM orders'),
  min: z.number().default(1).describe('Fail below this; 1 where nothing at all would be wrong'),
  max: z.number().optional().describe('Fail above this'),
  offBy: z
    .number()
    .positive()
    .default(0.5)
    .describe('Warn when it differs from the median of the same weekday by more than this share'),
});
type CountSettings = z.infer<typeof countSettings>;

/** Numbers that are known to be about so large. */
export const dataCountsCheck = defineCheck({
  id: 'data-counts',
  dimension: 'data',
  alertClass: 'ticket',
  impact: 'something no longer arrives, or arrives twice, and nobody sees an error',
  measures: 'a number that a query of yours counts',
  warns: 'more than `dataCounts[].offBy` away from the median of the same weekday in four weeks',
  fails: 'below `dataCounts[].min`, or above `dataCounts[].max`',
  settings: {
    dataCounts: z
      .array(countSettings)
      .refine(namesDiffer, SAME_NAME)
      .prefault([])
      .describe('Numbers that should be about as large as usual'),
  },
  questions: ({ dataCounts }) =>
    dataCounts.map((settings) => ({
      title: `data counts ${settings.name}`,
      ask: (database, around) => checkCount(database, settings, around),
    })),
});

const COUNT = 'data.count';
const WINDOW_MS = 29 * DAY_MS;
/** Fewer say nothing about what is usual. */
const LEAST_SAMPLES = 3;

async function checkCount(database: Reader, settings: CountSettings, around: Around): Promise<Outcome> {
  const { name, sql } = settings;
  const value = await numberOf(database, sql);
  const now = around.now();
  const earlier = around.history.samples(COUNT, name, new Date(now.getTime() - WINDOW_MS));
  return judgeCount({ value: value ?? 0, usual: usualOn(now, earlier, around.timezone) }, settings);
}

/** The median of one number for each day that was the same weekday; undefined where there are fewer than three. */
export function usualOn(now: Date, samples: readonly TimedSample[], timezone: string): number | undefined {
  const dayOf = calendarDay(timezone);
  const [today, weekday] = [dayOf(now), weekdayOf(dayOf(now))];
  const days = new Map(samples.map(({ at, value }) => [dayOf(at), value]));
  const same = [...days].filter(([day]) => day !== today && weekdayOf(day) === weekday).map(([, value]) => value);
  return same.length < LEAST_SAMPLES ? undefined : median(same);
}

function calendarDay(timeZone: string): (at: Date) => string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  return (at) => format.format(at);
}

function weekdayOf(day: string): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}

interface Count {
  readonly value: number;
  readonly usual: number | undefined;
}

function judgeCount({ value, usual }: Count, { name, sql, min, max, offBy }: CountSettings): Outcome {
  const share = usual === undefined || usual === 0 ? undefined : value / usual - 1;
  const isOff = share !== undefined && Math.abs(share) > offBy;
  const isWrong = value < min || (max !== undefined && value > max);
  const than =
    share === undefined ? '' : `, ${formatShare(Math.abs(share))} ${share < 0 ? 'fewer' : 'more'} than usual`;
  const bound = value < min ? `, expected at least ${formatCount(min)}` : `, expected at most ${formatCount(max ?? 0)}`;
  return {
    status: isWrong ? 'fail' : isOff ? 'warn' : 'done',
    summary: `${formatCount(value)}${isWrong ? bound : isOff ? than : ''}`,
    remediation: isWrong || isOff ? remediation(sql) : [],
    facts: { value, usual: usual ?? null, min, max: max ?? null },
    samples: [{ name: COUNT, subject: name, value, unit: 'count' }],
  };
}

function remediation(sql: string): readonly string[] {
  return [
    `${sql}; -- look yourself, and at the days before`,
    'Fewer: does the job that writes these rows run, and does it get what it reads? More: does it run twice?',
    `${plural(1, 'holiday')} or a campaign can be the reason: raise offBy where that is usual.`,
  ];
}
