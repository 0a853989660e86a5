import { Cron } from 'croner';
import { comesOn, isEitherDay, parseExpression, type CronExpression } from './fields.ts';
import { calendar, clock, offsetMinutes, offsetText, transitions, wallMinutes, wallTime } from './zone.ts';

interface SimulationRequest {
  /** Five fields or a nickname, already found to be right. */
  readonly expression: CronExpression;
  /** IANA name. */
  readonly timezone: string;
  /** The first instant that may be among the answers. */
  readonly from: Date;
  /** The last one; undefined where only `count` ends it. */
  readonly to: Date | undefined;
  /** At most so many. */
  readonly count: number;
}

/** One time at which the schedule comes. */
export interface SimulatedRun {
  readonly utc: string;
  /** `2026-03-29 03:00`. */
  readonly local: string;
  /** Of the local time against UTC: `+02:00`. */
  readonly offset: string;
  readonly weekday: number;
  /** `gap`: its own wall time is left out that day. `overlap`: its wall time comes twice. Null on ordinary days. */
  readonly jump: 'gap' | 'overlap' | null;
}

export interface Simulation {
  readonly runs: readonly SimulatedRun[];
  /** What a person should know of the schedule itself. */
  readonly notes: readonly string[];
  /** Are there more before `to`? */
  readonly isCut: boolean;
}

/** When a schedule comes, and where the clocks of its time zone jump under it. */
export function simulate(request: SimulationRequest): Simulation {
  const { expression, timezone, from, to, count } = request;
  // cron takes either day only where neither begins with a star; croner compares with a star alone.
  const cron = new Cron(expression.text, { timezone, paused: true, domAndDow: !isEitherDay(expression) });
  const instants: Date[] = [];
  const isWithin = (instant: Date): boolean => to === undefined || instant <= to;
  let last: Date | null = cron.nextRun(new Date(from.getTime() - 1_000));
  while (last !== null && instants.length < count && isWithin(last)) {
    instants.push(last);
    last = cron.nextRun(last);
  }
  const end = to ?? instants.at(-1) ?? from;
  return {
    runs: instants.map((instant) => runAt(instant, expression, timezone)),
    notes: [...notesOf(expression), ...leftOut(expression, timezone, { from, end, instants })],
    isCut: to !== undefined && last !== null && isWithin(last),
  };
}

/** @returns the schedule; or why there is none, in words */
export function readSchedule(text: string): { readonly expression: CronExpression } | { readonly fault: string } {
  const parsed = parseExpression(text);
  if ('fault' in parsed) return parsed;
  const next = new Cron(parsed.expression.text, { timezone: 'UTC', paused: true }).nextRun(new Date(0));
  return next === null ? { fault: 'it never comes' } : parsed;
}

function runAt(instant: Date, { minute, hour }: CronExpression, timezone: string): SimulatedRun {
  const wall = wallTime(instant, timezone);
  const isOwnTime = minute.values.has(wall.minute) && hour.values.has(wall.hour);
  return {
    utc: instant.toISOString(),
    local: `${calendar(wall)} ${clock(wall)}`,
    offset: offsetText(offsetMinutes(instant, timezone)),
    weekday: wall.weekday,
    jump: !isOwnTime ? 'gap' : comesTwice(instant, timezone) ? 'overlap' : null,
  };
}

/** Clocks jump by half an hour, one or two; further ones skip a whole day and repeat nothing. */
const JUMPS_MS = [-120, -60, -30, 30, 60, 120].map((minutes) => minutes * 60_000);

function comesTwice(instant: Date, timezone: string): boolean {
  const offset = offsetMinutes(instant, timezone);
  return JUMPS_MS.some((jump) => {
    const other = offsetMinutes(new Date(instant.getTime() + jump), timezone);
    return (offset - other) * 60_000 === jump;
  });
}

function notesOf(expression: CronExpression): readonly string[] {
  const { day, weekday } = expression;
  if (isEitherDay(expression))
    return [
      `day ${day.text} OR weekday ${weekday.text}: where both are restricted, cron takes either, so it comes on each of them`,
    ];
  const isStepped = (text: string): boolean => text.startsWith('*') && text !== '*';
  if ((isStepped(day.text) && weekday.text !== '*') || (isStepped(weekday.text) && day.text !== '*'))
    return [`day ${day.text} AND weekday ${weekday.text}: because one begins with a star, cron wants both at once`];
  return [];
}

interface Shown {
  readonly from: Date;
  readonly end: Date;
  readonly instants: readonly Date[];
}

/** Times inside a gap for which nothing starts: cron makes good for fixed hours alone. */
function leftOut(expression: CronExpression, timezone: string, { from, end, instants }: Shown): readonly string[] {
  const { minute, hour } = expression;
  return transitions(timezone, from, end).flatMap((jump) => {
    if (jump.kind !== 'gap' || hour.isStar) return [];
    const due = wallMinutes(jump).filter(
      (at) => minute.values.has(at.minute) && hour.values.has(at.hour) && comesOn(expression, at),
    );
    const isMadeGood = instants.some(
      (instant) => runAt(instant, expression, timezone).jump === 'gap' && isNear(instant, jump.at),
    );
    if (due.length === 0 || isMadeGood) return [];
    return [`on ${calendar(jump.from)} the clocks leave out ${due.map(clock).join(', ')}, and nothing starts for it`];
  });
}

function isNear(instant: Date, other: Date): boolean {
  return Math.abs(instant.getTime() - other.getTime()) < 3_600_000;
}
