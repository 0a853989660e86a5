import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../../src/base/units.ts';
import type { TimedSample } from '../../src/engine/sample.ts';
import { theilSenSlope } from '../../src/engine/slope.ts';
import { timeUntil } from '../../src/health/forecast.ts';

const START_MS = Date.UTC(2026, 0, 1);

/** One sample a day. */
function daily(values: readonly number[]): readonly TimedSample[] {
  return values.map((value, day) => ({ at: new Date(START_MS + day * DAY_MS), value }));
}

function range<T>(count: number, of: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => of(index));
}

const days = fc.integer({ min: 5, max: 28 });
const slope = fc.double({ min: 0.001, max: 0.05, noNaN: true });

describe('the slope', () => {
  test('of a straight line is its own', () => {
    fc.assert(
      fc.property(days, slope, fc.double({ min: -1, max: 1, noNaN: true }), (count, perDay, first) => {
        const samples = daily(range(count, (day) => first + perDay * day));
        expect(theilSenSlope(samples) * DAY_MS).toBeCloseTo(perDay, 9);
      }),
    );
  });

  test('keeps its sign when a quarter of the samples is anything', () => {
    const outliers = fc.array(fc.record({ day: fc.nat(27), value: fc.double({ min: -1e6, max: 1e6, noNaN: true }) }));
    fc.assert(
      fc.property(days, slope, fc.boolean(), outliers, (count, perDay, grows, wild) => {
        const values = [...range(count, (day) => 0.5 + (grows ? perDay : -perDay) * day)];
        for (const { day, value } of wild.slice(0, Math.floor(count / 4))) values[day % count] = value;
        expect(Math.sign(theilSenSlope(daily(values)))).toBe(grows ? 1 : -1);
      }),
    );
  });
});

describe('the time until a limit', () => {
  test('of a straight line is what is left divided by the slope', () => {
    fc.assert(
      fc.property(days, slope, (count, perDay) => {
        const samples = daily(range(count, (day) => -2 + perDay * day));
        const last = samples.at(-1)?.value ?? 0;
        expect((timeUntil(1, samples) ?? 0) / DAY_MS).toBeCloseTo((1 - last) / perDay, 5);
      }),
    );
  });

  test('does not depend on the order of the samples', () => {
    const shuffled = fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 20 })
      .chain((values) =>
        fc.tuple(fc.constant(daily(values)), fc.shuffledSubarray([...daily(values)], { minLength: values.length })),
      );
    fc.assert(
      fc.property(shuffled, ([inOrder, mixed]) => {
        expect(timeUntil(1, mixed)).toBe(timeUntil(1, inOrder));
      }),
    );
  });

  test('of two percent more each day from 70 % on is about ten days after ten days', () => {
    const until = timeUntil(1, daily(range(10, (day) => 0.7 * 1.02 ** day)));
    expect((until ?? 0) / DAY_MS).toBeGreaterThan(9);
    expect((until ?? 0) / DAY_MS).toBeLessThan(11);
  });

  test('is unknown for what goes up and comes down again alike', () => {
    const upAndDown = fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 14 })
      .map((values) => daily([...values, ...values.toReversed()]));
    fc.assert(
      fc.property(upAndDown, (samples) => {
        expect(timeUntil(1, samples)).toBeUndefined();
      }),
    );
  });

  test('is unknown for nearly every flat and noisy series', () => {
    const noise = fc.array(fc.double({ min: 0.7, max: 0.72, noNaN: true }), { minLength: 10, maxLength: 28 });
    const series = fc.sample(noise.map(daily), { numRuns: 1_000, seed: 20_260_101 });
    const alarming = series.filter((samples) => timeUntil(1, samples) !== undefined);
    expect(alarming.length).toBeLessThan(50);
  });

  test('is unknown for what shrinks or stays', () => {
    expect(timeUntil(1, daily(range(10, (day) => 0.9 - day / 100)))).toBeUndefined();
    expect(timeUntil(1, daily(range(10, () => 0.9)))).toBeUndefined();
  });

  test('is known for growth in one step, when both sides of it are long enough', () => {
    expect(timeUntil(1, daily([0.5, 0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6]))).toBeGreaterThan(0);
  });

  test('is unknown for fewer than five samples, and for less than three days', () => {
    const hourly = range(48, (hour) => ({ at: new Date(START_MS + hour * (DAY_MS / 24)), value: hour / 100 }));
    expect(timeUntil(1, daily([0.1, 0.2, 0.3, 0.4]))).toBeUndefined();
    expect(timeUntil(1, daily([0.1, 0.2, 0.3, 0.4, 0.5]))).toBeCloseTo(5 * DAY_MS, 0);
    expect(timeUntil(1, hourly)).toBeUndefined();
  });

  test('looks at the last four weeks alone', () => {
    const shrankBefore = range(60, (day) => (day < 30 ? 0.9 - day / 100 : 0.3 + day / 1_000));
    expect((timeUntil(1, daily(shrankBefore)) ?? 0) / DAY_MS).toBeCloseTo(641, 3);
  });

  test('is the same for a sample each five minutes as for one each six hours', () => {
    const perDay = (each: number): readonly TimedSample[] =>
      range(28 * each, (index) => ({
        at: new Date(START_MS + ((index + 1) * DAY_MS) / each - 1),
        value: 0.2 + index / each / 100,
      }));
    const [often, seldom] = [timeUntil(1, perDay(288)), timeUntil(1, perDay(4))];
    expect((often ?? 0) / DAY_MS).toBeCloseTo((seldom ?? 0) / DAY_MS, 0);
  });

  test('is now for what is over the limit already', () => {
    expect(timeUntil(1, daily([0.8, 0.9, 1, 1.1, 1.2]))).toBe(0);
  });
});
