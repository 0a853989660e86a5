import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextSlot } from '../../src/engine/slots.ts';
import { readSchedule, simulate, type Simulation } from '../../src/schedule/simulate.ts';
import { instantOf, offsetMinutes, transitions, wallTime } from '../../src/schedule/zone.ts';

interface Question {
  readonly text: string;
  readonly timezone?: string;
  readonly from: string;
  readonly to?: string;
  readonly count?: number;
}

function ask({ text, timezone = 'Europe/Berlin', from, to, count = 100 }: Question): Simulation {
  const read = readSchedule(text);
  if ('fault' in read) throw new Error(read.fault);
  const end = to === undefined ? undefined : new Date(to);
  return simulate({ expression: read.expression, timezone, from: new Date(from), to: end, count });
}

const brief = ({ runs }: Simulation): readonly string[] =>
  runs.map(({ utc, local, offset, jump }) => `${utc.slice(0, 16)}Z ${local} ${offset} ${jump ?? '-'}`);

describe('a simulated schedule', () => {
  test('comes once where the clocks leave its time out, right after, and says so', () => {
    expect(brief(ask({ text: '30 2 * * *', from: '2026-03-28T00:00Z', to: '2026-03-31T00:00Z' }))).toEqual([
      '2026-03-28T01:30Z 2026-03-28 02:30 +01:00 -',
      '2026-03-29T01:00Z 2026-03-29 03:00 +02:00 gap',
      '2026-03-30T00:30Z 2026-03-30 02:30 +02:00 -',
    ]);
  });

  test('comes once where its time comes twice, and says so', () => {
    expect(brief(ask({ text: '30 2 * * *', from: '2026-10-24T00:00Z', to: '2026-10-27T00:00Z' }))).toEqual([
      '2026-10-24T00:30Z 2026-10-24 02:30 +02:00 -',
      '2026-10-25T00:30Z 2026-10-25 02:30 +02:00 overlap',
      '2026-10-26T01:30Z 2026-10-26 02:30 +01:00 -',
    ]);
  });

  test('names what nothing makes good', () => {
    const { notes } = ask({ text: '*/15 2 * * *', from: '2026-03-28T00:00Z', to: '2026-03-31T00:00Z' });
    expect(notes).toEqual([expect.stringMatching(/2026-03-29 .*02:00, 02:15, 02:30, 02:45/)]);
    expect(ask({ text: '30 2 * * *', from: '2026-03-28T00:00Z', to: '2026-03-31T00:00Z' }).notes).toEqual([]);
  });

  test('says that the day and the weekday are an either-or', () => {
    const { runs, notes } = ask({ text: '0 0 13 * 5', timezone: 'UTC', from: '2026-03-01T00:00Z', count: 7 });
    expect(runs.map(({ utc }) => utc.slice(5, 10))).toEqual([
      '03-06',
      '03-13',
      '03-20',
      '03-27',
      '04-03',
      '04-10',
      '04-13',
    ]);
    expect(notes).toEqual([expect.stringContaining('day 13 OR weekday 5')]);
  });

  test('wants both days where one begins with a star, as cron does', () => {
    const { runs, notes } = ask({ text: '0 0 */2 * 5', timezone: 'UTC', from: '2026-03-01T00:00Z', count: 3 });
    expect(runs.map(({ utc }) => utc.slice(5, 10))).toEqual(['03-13', '03-27', '04-03']);
    expect(notes).toEqual([expect.stringContaining('day */2 AND weekday 5')]);
  });

  test('begins with the first instant and ends with the last one that was asked for', () => {
    const { runs, isCut } = ask({
      text: '0 * * * *',
      timezone: 'UTC',
      from: '2026-01-01T00:00Z',
      to: '2026-01-01T03:00Z',
    });
    expect(runs).toHaveLength(4);
    expect(isCut).toBe(false);
    const few = ask({ text: '0 * * * *', from: '2026-01-01T00:00Z', to: '2026-01-01T03:00Z', count: 2 });
    expect(few.runs).toHaveLength(2);
    expect(few.isCut).toBe(true);
  });

  test('is what maint itself expects, wherever cron and maint read it alike', () => {
    const number = (first: number, last: number): fc.Arbitrary<string> =>
      fc.integer({ min: first, max: last }).map(String);
    const some = (first: number, last: number): fc.Arbitrary<string> =>
      fc.oneof(fc.constant('*'), number(first, last), fc.tuple(number(first, last), number(first, last)).map(String));
    const schedule = fc
      .tuple(some(0, 59), some(0, 23), some(1, 28), some(1, 12), some(0, 6))
      .map((fields) => fields.join(' '));
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata');
    const start = fc.date({ min: new Date('2025-01-01'), max: new Date('2027-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(schedule, zone, start, (text, timezone, from) => {
        const { runs } = ask({ text, timezone, from: from.toISOString(), count: 1 });
        expect(runs[0]?.utc).toBe(nextSlot(text, timezone, new Date(from.getTime() - 1_000))?.toISOString());
      }),
      { numRuns: 60 },
    );
  });

  test.each(['0 0 31 2 *', '0 0 30 2 *', 'x', '@reboot'])('is not %s', (text) => {
    expect(readSchedule(text)).toHaveProperty('fault');
  });
});

describe('the clocks of a zone', () => {
  test('jump at these moments', () => {
    const jumps = transitions('Europe/Berlin', new Date('2026-01-01T00:00Z'), new Date('2027-01-01T00:00Z'));
    expect(jumps).toMatchObject([
      { at: new Date('2026-03-29T01:00Z'), kind: 'gap', from: { hour: 2, minute: 0, day: 29 }, minutes: 60 },
      { at: new Date('2026-10-25T01:00Z'), kind: 'overlap', from: { hour: 2, minute: 0, day: 25 }, minutes: 60 },
    ]);
    const halves = transitions('Australia/Lord_Howe', new Date('2026-01-01T00:00Z'), new Date('2027-01-01T00:00Z'));
    expect(halves.map(({ kind, minutes }) => [kind, minutes])).toEqual([
      ['overlap', 30],
      ['gap', 30],
    ]);
    expect(transitions('Asia/Kolkata', new Date('2026-01-01T00:00Z'), new Date('2027-01-01T00:00Z'))).toEqual([]);
  });

  test('show at the instant of a time that time, unless they leave it out', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland', 'Asia/Kathmandu');
    const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(zones, times, (zone, time) => {
        const text = time.toISOString().slice(0, 16);
        const instant = instantOf(text, zone);
        const shown = new Date(instant.getTime() + offsetMinutes(instant, zone) * 60_000).toISOString().slice(0, 16);
        const day = new Date(Date.parse(`${text}Z`) - 86_400_000);
        const isLeftOut = transitions(zone, day, new Date(day.getTime() + 2 * 86_400_000)).some(
          ({ kind }) => kind === 'gap',
        );
        if (!isLeftOut) expect(shown).toBe(text);
      }),
    );
    expect(instantOf('2026-03-29T02:30', 'Europe/Berlin')).toEqual(new Date('2026-03-29T00:30Z'));
    expect(instantOf('2026-10-25T02:30', 'Europe/Berlin')).toEqual(new Date('2026-10-25T00:30Z'));
    expect(wallTime(new Date('2026-10-25T01:30Z'), 'Europe/Berlin')).toMatchObject({ hour: 2, minute: 30, weekday: 0 });
  });
});
