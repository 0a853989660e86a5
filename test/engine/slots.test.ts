import { describe, expect, test } from 'vitest';
import { nextSlot, slotAt } from '../../src/engine/slots.ts';

const at = (text: string): Date => new Date(text);

describe('the slot of a scheduled run', () => {
  test('is the newest instant of the schedule', () => {
    expect(slotAt('17 3 * * *', 'UTC', at('2026-11-21T03:17:02Z'))).toEqual(at('2026-11-21T03:17:00Z'));
    expect(slotAt('17 3 * * *', 'UTC', at('2026-11-21T02:00:00Z'))).toEqual(at('2026-11-20T03:17:00Z'));
  });

  test('is the same for a clock that is a little early', () => {
    expect(slotAt('17 3 * * *', 'UTC', at('2026-11-21T03:16:40Z'))).toEqual(at('2026-11-21T03:17:00Z'));
  });

  test('follows the time zone through both changes of the clock', () => {
    expect(slotAt('30 2 * * *', 'Europe/Berlin', at('2026-03-29T12:00:00Z'))).toEqual(at('2026-03-29T01:00:00Z'));
    expect(slotAt('30 2 * * *', 'Europe/Berlin', at('2026-10-25T12:00:00Z'))).toEqual(at('2026-10-25T00:30:00Z'));
    expect(nextSlot('30 2 * * *', 'Europe/Berlin', at('2026-10-25T00:30:00Z'))).toEqual(at('2026-10-26T01:30:00Z'));
  });

  test('of a quarterly schedule lies months back', () => {
    expect(slotAt('17 7 1 1,4,7,10 *', 'UTC', at('2026-11-21T00:00:00Z'))).toEqual(at('2026-10-01T07:17:00Z'));
  });
});
