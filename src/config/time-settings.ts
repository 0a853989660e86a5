import { Cron } from 'croner';
import { z } from 'zod';
import { suggest } from '../base/suggest.ts';
import { readOwnSchedule } from '../schedule/own-schedule.ts';

/** The name of a time zone, as the IANA database has it. */
export const timezoneSetting = z.string().superRefine((name, context) => {
  if (isTimezone(name)) return;
  context.addIssue({
    code: 'custom',
    message: `"${name}" is no time zone; write an IANA name such as UTC or Europe/Berlin`,
    params: { suggestion: suggest(name, Intl.supportedValuesOf('timeZone')) },
  });
});

/** When something is due: the five fields of crontab, or how long it is from one time to the next. */
export const ownScheduleSetting = z
  .string()
  .superRefine((text, context) => {
    const read = readOwnSchedule(text);
    if ('fault' in read)
      context.addIssue({
        code: 'custom',
        message: `"${text}" is no schedule: ${read.fault}; write five fields such as 0 2 * * *, or a time such as 1 day`,
      });
  })
  .meta({ title: 'schedule', examples: ['0 2 * * *', '1 day', '6 hours'] });

/** When something is due, in the five fields of crontab. */
export const cronSetting = z
  .string()
  .superRefine((pattern, context) => {
    const fault = cronFault(pattern);
    if (fault !== undefined)
      context.addIssue({
        code: 'custom',
        message: `"${pattern}" is no schedule: ${fault}; write minute, hour, day, month and weekday, such as 17 3 * * *`,
      });
  })
  .meta({ examples: ['17 3 * * *', '47 4 * * 0'] });

function isTimezone(name: string): boolean {
  try {
    // Offsets such as +02:00 are no names: they know no summer time.
    return /^[a-z]/i.test(name) && Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function cronFault(pattern: string): string | undefined {
  if (pattern.trim().split(/\s+/).length !== 5) return 'it does not have five fields';
  try {
    const cron = new Cron(pattern, { paused: true, timezone: 'UTC' });
    return cron.nextRun(new Date(0)) === null ? 'it never comes' : undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // The reason repeats a piece of the text, which should be repeated only where it looks like a schedule.
    return /^[\w\s*,/#?-]{1,40}$/.test(pattern) ? error.message.replace(/^CronPattern: /, '') : 'it is of another form';
  }
}
