import { describe, expect, test } from 'vitest';
import { comesOn, isEitherDay, parseExpression, type CronExpression } from '../../src/schedule/fields.ts';

function read(text: string): CronExpression {
  const parsed = parseExpression(text);
  if ('fault' in parsed) throw new Error(parsed.fault);
  return parsed.expression;
}

describe('the five fields', () => {
  test('mean numbers, names, ranges, lists and steps', () => {
    const { minute, hour, day, month, weekday } = read('*/20 1-3,22 1-10/4 Jan,mar-APR mon-fri');
    expect([...minute.values]).toEqual([0, 20, 40]);
    expect([...hour.values]).toEqual([1, 2, 3, 22]);
    expect([...day.values]).toEqual([1, 5, 9]);
    expect([...month.values]).toEqual([1, 3, 4]);
    expect([...weekday.values]).toEqual([1, 2, 3, 4, 5]);
  });

  test('take 7 for Sunday', () => {
    expect([...read('0 0 * * 7').weekday.values]).toEqual([0]);
    expect([...read('0 0 * * 5-7').weekday.values]).toEqual([5, 6, 0]);
    expect(read('0 0 * * *').weekday.values.size).toBe(7);
  });

  test('are not meant by the words that every object of JavaScript knows', () => {
    for (const word of ['__proto__', 'constructor', 'toString']) expect(parseExpression(word)).toHaveProperty('fault');
  });

  test('are meant by nicknames', () => {
    expect(read('@daily').text).toBe('0 0 * * *');
    expect(read(' @HOURLY ').text).toBe('0 * * * *');
  });

  test.each([
    ['60 * * * *', '"60"'],
    ['* 24 * * *', '"24"'],
    ['* * 0 * *', '"0"'],
    ['* * * 13 *', '"13"'],
    ['* * * * 8', '"8"'],
    ['5/15 * * * *', '"5/15"'],
    ['*/0 * * * *', '"*/0"'],
    ['5-1 * * * *', 'counts down'],
    ['1,, * * * *', '""'],
    ['* * ? * *', '"?"'],
    ['* * L * *', '"l"'],
    ['* * * * 5#2', '"5#2"'],
    ['* * * * monday', '"monday"'],
    ['* * * *', '4 of 5'],
    ['* * * * * *', '6 of 5'],
    ['@reboot', '@reboot'],
    ['1e1 * * * *', '"1e1"'],
  ])('are not %s', (text, named) => {
    expect(parseExpression(text)).toEqual({ fault: expect.stringContaining(named) });
  });

  test('take either day where neither begins with a star, and both where one does', () => {
    const friday = { month: 3, day: 6, weekday: 5 };
    expect(isEitherDay(read('0 0 13 * 5'))).toBe(true);
    expect(comesOn(read('0 0 13 * 5'), friday)).toBe(true);
    expect(comesOn(read('0 0 13 * *'), friday)).toBe(false);
    expect(isEitherDay(read('0 0 */2 * 5'))).toBe(false);
    expect(comesOn(read('0 0 */2 * 5'), friday), 'an even day').toBe(false);
    expect(comesOn(read('0 0 */2 4 5'), { ...friday, day: 7 }), 'not in March').toBe(false);
  });
});
