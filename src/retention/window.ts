import { z } from 'zod';

/** A time of day at which batches may begin, minutes since midnight. Where it ends before it begins it spans midnight. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

const FORMAT = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** A setting that a person writes as `01:00-05:00`. */
export const windowSetting = z
  .string()
  .meta({ title: 'time of day', examples: ['01:00-05:00', '22:00-04:00'] })
  .transform((text, context): Window => {
    const [from = NaN, fromMinute = NaN, to = NaN, toMinute = NaN] = (FORMAT.exec(text) ?? []).slice(1).map(Number);
    const window = { from: from * 60 + fromMinute, to: to * 60 + toMinute };
    if (Number.isFinite(window.from) && window.from !== window.to) return window;
    context.addIssue({ code: 'custom', message: `"${text}" is no time of day: write it as 01:00-05:00` });
    return z.NEVER;
  });

/** Whether an instant lies in the window, by the clocks of the zone. */
export function isWithin({ from, to }: Window, at: Date, timezone: string): boolean {
  const minute = minuteOfDay(at, timezone);
  return from < to ? from <= minute && minute < to : from <= minute || minute < to;
}

function minuteOfDay(at: Date, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return (parts.get('hour') ?? 0) * 60 + (parts.get('minute') ?? 0);
}
