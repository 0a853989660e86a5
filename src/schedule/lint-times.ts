import type { CronJob } from './crontab.ts';
import { comesOn, FIELD_NAMES, FIELD_RANGES, isEitherDay, type CronExpression } from './fields.ts';
import type { Finding } from './findings.ts';
import type { CronMachine } from './machine.ts';
import { simpleCommands } from './shell.ts';
import { calendar, clock, transitions, wallMinutes, type Transition } from './zone.ts';

const YEAR_MS = 366 * 86_400_000;

/** The jumps of a time zone in the coming year. */
type Jumps = (zone: string) => readonly Transition[];

/** Looks each zone up once. One that nobody knows has no jumps; that its name is wrong is not for lint to say. */
export function jumpsAfter(now: Date): Jumps {
  const known = new Map<string, readonly Transition[]>();
  return (zone) => {
    const jumps = known.get(zone) ?? jumpsIn(zone, now);
    known.set(zone, jumps);
    return jumps;
  };
}

function jumpsIn(zone: string, now: Date): readonly Transition[] {
  try {
    return transitions(zone, now, new Date(now.getTime() + YEAR_MS));
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** What is wrong with the schedule of one job. */
export function lintTimes(job: CronJob, { timezone }: CronMachine, jumps: Jumps): readonly Finding[] {
  const { line, expression, fault } = job;
  if (expression === undefined || fault !== undefined) return [];
  const zone = job.variables.get('CRON_TZ') ?? timezone;
  const found: Finding[] = [];
  if (isEitherDay(expression)) {
    const { day, weekday } = expression;
    found.push({
      code: 'W201',
      line,
      message: `it restricts both the day (${day.text}) and the weekday (${weekday.text})`,
    });
  }
  const jump = firstJump(expression, jumps(zone));
  if (jump !== undefined)
    found.push({ code: 'W202', line, message: `${jumpText(jump)} in ${zone}, and it is due then` });
  const uneven = unevenStep(expression);
  if (uneven !== undefined) found.push({ code: 'W203', line, message: `${uneven} is not even` });
  if (expression.minute.values.size === 60 && expression.hour.values.size === 24 && !isLocked(job.command))
    found.push({ code: 'W206', line, message: 'it starts every minute and takes no lock' });
  return found;
}

/** Jobs of every hour are due before and after a jump as well; only those at a fixed hour can miss it. */
function firstJump(expression: CronExpression, jumps: readonly Transition[]): Transition | undefined {
  const { minute, hour } = expression;
  if (hour.isStar) return undefined;
  return jumps.find((jump) =>
    wallMinutes(jump).some((at) => minute.values.has(at.minute) && hour.values.has(at.hour) && comesOn(expression, at)),
  );
}

function jumpText(jump: Transition): string {
  const { kind, from } = jump;
  return `on ${calendar(from)} ${clock(from)} ${kind === 'gap' ? 'does not exist' : 'comes twice'}`;
}

/** @returns the field whose step does not come out even, in words */
function unevenStep(expression: CronExpression): string | undefined {
  return FIELD_NAMES.filter((name) => {
    const step = Number(/^\*\/(\d+)$/.exec(expression[name].text)?.[1] ?? 1);
    const { first, last } = FIELD_RANGES[name];
    const count = name === 'weekday' ? 7 : last - first + 1;
    // Months have different lengths, so no step of days comes out even.
    return count % step !== 0 || (name === 'day' && step > 1);
  }).map((name) => `${expression[name].text} as a ${name}`)[0];
}

const LOCKING = /\b(flock|setlock|lockf|lockrun|run-one|solo|dotlockfile|chpst)\b|\bmaint(\.js)?\b.*--cron/;

function isLocked(command: string): boolean {
  return LOCKING.test(command);
}

const HEAVY =
  /^(pg_dump|pg_dumpall|pg_basebackup|pgbackrest|barman|vacuumdb|reindexdb|pg_repack|mysqldump|mariadb-dump|mongodump|tar|rsync|restic|borg|borgmatic|duplicity|rclone|kopia)$/;
const ROUND = /\b(daily|weekly|monthly|quarterly)\b/;

/** What runs every hour meets everything, and is small enough for that. */
function isHeavy({ command, expression }: CronJob): boolean {
  if (expression === undefined || expression.hour.isStar) return false;
  const names = simpleCommands(command).flatMap(({ words }) => words.slice(0, 6));
  const isRound = /\bmaint(\.js)?['"]?\s+(daily|weekly|monthly|quarterly)\b/.test(command);
  return isRound || names.some((name) => HEAVY.test(name.split('/').at(-1) ?? ''));
}

/**
 * What is wrong between two jobs, told of the second.
 * @param part `order` looks only at rounds in the wrong order, for an earlier line can be the later round
 */
export function lintPair(one: CronJob, other: CronJob, part: 'all' | 'order' = 'all'): readonly Finding[] {
  const found: Finding[] = [];
  if (one.expression === undefined || other.expression === undefined) return found;
  const { line } = other;
  if (part === 'all' && isHeavy(one) && isHeavy(other) && canMeet(one.expression, other.expression))
    found.push({ code: 'W209', line, message: `it starts in the same minute as line ${one.line}, and both are heavy` });
  const isDaily = ROUND.exec(one.command)?.[1] === 'daily' && ROUND.exec(other.command)?.[1] !== 'daily';
  const shape = (command: string): string => command.replace(ROUND, '');
  if (isDaily && shape(one.command) === shape(other.command) && isBefore(other.expression, one.expression))
    found.push({ code: 'W211', line, message: `it starts before the daily one of line ${one.line}` });
  return found;
}

/** Can both be due in the same minute? Where one goes by weekday and the other by date, they meet sooner or later. */
function canMeet(one: CronExpression, other: CronExpression): boolean {
  const meets = (name: (typeof FIELD_NAMES)[number]): boolean => !one[name].values.isDisjointFrom(other[name].values);
  if (!meets('minute') || !meets('hour') || !meets('month')) return false;
  return isEitherDay(one) || isEitherDay(other) || (meets('day') && meets('weekday'));
}

function isBefore(one: CronExpression, other: CronExpression): boolean {
  const first = ({ hour, minute }: CronExpression): number =>
    Math.min(...hour.values) * 60 + Math.min(...minute.values);
  return first(one) < first(other);
}
