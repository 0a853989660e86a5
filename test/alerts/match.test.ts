import { expect, test } from 'vitest';
import { matches, parseMatcher } from '../../src/alerts/match.ts';
import { parseHours, shiftAt } from '../../src/alerts/hours.ts';

const SUBJECT = { id: '0123', check: 'disk', task: 'health', step: 'disk /srv', class: 'page', owner: 'db' };

test.each([
  [['check=disk'], true],
  [['check=dis'], false],
  [['check=disk*'], true],
  [['step=*srv'], true],
  [['step=d*k*/*v'], true],
  [['step=disk*disk'], false],
  [['step=disk /srv*srv'], false],
  [['step=*'], true],
  [['check=disk', 'class=page'], true],
  [['check=disk', 'class=ticket'], false],
  [['step=d.sk /srv'], false],
  [[], false],
])('%j fits: %j', (conditions, expected) => {
  expect(matches(conditions.map(parseMatcher), SUBJECT)).toBe(expected);
});

test.each(['disk', 'chek=disk', 'check=', '=disk', ''])('refuses the condition %j', (text) => {
  expect(() => parseMatcher(text)).toThrow('matches nothing');
});

test.each([
  ['2026-11-23T08:00:00Z', true, '2026-11-23T08:00:00.000Z'],
  ['2026-11-23T07:58:00Z', false, '2026-11-20T08:00:00.000Z'],
  ['2026-11-23T16:59:00Z', true, '2026-11-23T08:00:00.000Z'],
  ['2026-11-23T17:00:00Z', false, '2026-11-23T08:00:00.000Z'],
  ['2026-11-21T12:00:00Z', false, '2026-11-20T08:00:00.000Z'],
  ['2026-07-06T07:00:00Z', true, '2026-07-06T07:00:00.000Z'],
])('at %s the hours of Berlin are on: %j, since %s', (now, isNow, beganAt) => {
  const shift = shiftAt(parseHours('Mon-Fri 09:00-18:00 Europe/Berlin'), new Date(now));
  expect(shift).toEqual({ isNow, beganAt: new Date(beganAt) });
});

test('hours may go past midnight, and round the end of the week', () => {
  const hours = parseHours('Fri-Mon 22:00-06:00 UTC');
  expect(shiftAt(hours, new Date('2026-11-24T05:59:00Z')).isNow).toBe(true);
  expect(shiftAt(hours, new Date('2026-11-24T06:00:00Z')).isNow).toBe(false);
  expect(shiftAt(hours, new Date('2026-11-24T23:00:00Z')).isNow).toBe(false);
});
