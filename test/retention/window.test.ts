import { expect, test } from 'vitest';
import { isWithin, windowSetting } from '../../src/retention/window.ts';

const at = (time: string): Date => new Date(`2026-07-01T${time}:00Z`);

test.for([
  ['01:00-05:00', ['01:00', '04:59'], ['00:59', '05:00', '13:00']],
  ['22:30-04:00', ['22:30', '23:59', '00:00', '03:59'], ['04:00', '12:00', '22:29']],
] as const)('%s holds its times and no others', ([text, inside, outside]) => {
  const window = windowSetting.parse(text);
  expect(inside.filter((time) => !isWithin(window, at(time), 'UTC'))).toEqual([]);
  expect(outside.filter((time) => isWithin(window, at(time), 'UTC'))).toEqual([]);
});

test('goes by the clocks of the zone', () => {
  const window = windowSetting.parse('01:00-05:00');
  expect(isWithin(window, at('23:30'), 'Europe/Berlin')).toBe(true);
  expect(isWithin(window, at('04:00'), 'Europe/Berlin')).toBe(false);
});

test.for(['', '1-5', '01:00', '01:00-24:00', '25:00-05:00', '03:00-03:00', '01:00-05:00 '])(
  '"%s" is no time of day',
  (text) => {
    expect(windowSetting.safeParse(text).error?.issues[0]?.message).toContain('write it as 01:00-05:00');
  },
);
