import { describe, expect, test } from 'vitest';
import { currentSlot, slotAfter, slotsBetween } from '../../src/engine/cadence.ts';
import { cadenceOf, describeSchedule, readOwnSchedule } from '../../src/schedule/own-schedule.ts';

function read(text: string) {
  const answer = readOwnSchedule(text);
  if ('fault' in answer) throw new Error(answer.fault);
  return answer.schedule;
}

describe('a schedule of its own', () => {
  test.each([
    ['0 2 * * *', 'at 02:00 every day'],
    ['47 4 * * 0', 'at 04:47 on Sunday'],
    ['17 7 1 1,4,7,10 *', 'at 07:17 on day 1 of the month in January, April, July and October'],
    ['*/5 * * * *', 'every 5 minutes'],
    ['* * * * *', 'every minute'],
    ['7 * * * 1-5', 'at minute 7 of every hour on Monday, Tuesday, Wednesday, Thursday and Friday'],
    ['0 0 13 * 5', 'at 00:00 on day 13 of the month or on Friday'],
    ['5,35 8-17 * * *', 'at minute 5 and 35 of the hours 8, 9, 10, 11, 12, 13, 14, 15, 16 and 17 every day'],
    ['@daily', 'at 00:00 every day'],
    ['1 day', 'every day'],
    ['36h', 'every 36 hours'],
    ['2 weeks', 'every 2 weeks'],
    ['90 min', 'every 90 minutes'],
  ])('%s is told in words', (text, words) => {
    expect(describeSchedule(read(text))).toBe(words);
  });

  test.each([
    ['1 dya', 'its unit is none of'],
    ['1 min', 'every five minutes'],
    ['90 s', 'every five minutes'],
    ['330.5 s', 'whole number of minutes'],
    ['400 days', 'longer than a year'],
    ['0 25 * * *', '25'],
    ['0 0 31 2 *', 'never comes'],
    ['daily', '1 of 5 fields'],
    ['postgres://u:secret@h/x', 'it is of another form'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(readOwnSchedule(text)).toEqual({ fault: expect.stringContaining(reason) });
  });

  test('as an interval comes at the same instants on every host, at night where it is one of days', () => {
    const where = { timezone: 'Europe/Berlin', seed: 'app/prune' };
    const cadence = cadenceOf(read('1 day'), where);
    const now = new Date('2026-11-21T12:00:00Z');
    const slot = currentSlot(cadence, now);
    expect(slot?.toISOString()).toMatch(/^2026-11-21T02:\d\d:00.000Z$/);
    expect(slotAfter(cadence, now)?.getTime()).toBe((slot?.getTime() ?? 0) + 86_400_000);
    expect(slotsBetween(cadence, new Date('2026-11-18T12:00:00Z'), now)).toHaveLength(3);
    expect(currentSlot(cadenceOf(read('1 day'), where), now)).toEqual(slot);
    expect(currentSlot(cadenceOf(read('1 day'), { ...where, seed: 'app/backup' }), now)).not.toEqual(slot);
  });

  test('stops counting the slots of a schedule that nobody followed for years', () => {
    const every = { kind: 'cron' as const, expression: '* * * * *', timezone: 'UTC' };
    expect(slotsBetween(every, new Date('2020-01-01'), new Date('2026-01-01'))).toHaveLength(1_000);
  });
});
