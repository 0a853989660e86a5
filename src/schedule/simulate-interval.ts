import { slotAfter } from '../engine/cadence.ts';
import { cadenceOf } from './own-schedule.ts';
import type { SimulatedRun, Simulation } from './simulate.ts';
import { calendar, clock, offsetMinutes, offsetText, wallTime } from './zone.ts';

/** When to begin and end, and how often it comes. */
interface IntervalRequest {
  readonly everyMs: number;
  /** IANA name. */
  readonly timezone: string;
  readonly from: Date;
  readonly to: Date | undefined;
  /** At most so many. */
  readonly count: number;
}

/** When an interval comes. The minute is that of no project in particular. */
export function simulateInterval({ everyMs, timezone, from, to, count }: IntervalRequest): Simulation {
  const cadence = cadenceOf({ kind: 'interval', everyMs }, { timezone, seed: '' });
  const isWithin = (instant: Date): boolean => to === undefined || instant <= to;
  const runs: SimulatedRun[] = [];
  let next = slotAfter(cadence, new Date(from.getTime() - 1));
  while (next !== undefined && runs.length < count && isWithin(next)) {
    runs.push(runAt(next, timezone));
    next = slotAfter(cadence, next);
  }
  return { runs, notes: [NOTE], isCut: to !== undefined && next !== undefined && isWithin(next) };
}

const NOTE =
  'maint tick starts it; counted from 3 in the morning, in a minute that follows from project and task, so that not all begin at once. `maint status` has the real times';

function runAt(instant: Date, timezone: string): SimulatedRun {
  const wall = wallTime(instant, timezone);
  return {
    utc: instant.toISOString(),
    local: `${calendar(wall)} ${clock(wall)}`,
    offset: offsetText(offsetMinutes(instant, timezone)),
    weekday: wall.weekday,
    jump: null,
  };
}
