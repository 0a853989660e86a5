import { machineTimezone } from '../adapters/cron-machine.ts';
import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import { WEEKDAYS } from '../schedule/fields.ts';
import { describeSchedule, readOwnSchedule, type OwnSchedule } from '../schedule/own-schedule.ts';
import { simulateInterval } from '../schedule/simulate-interval.ts';
import { simulate, type SimulatedRun } from '../schedule/simulate.ts';
import { requireTime, requireTimezone } from './cron-times.ts';
import type { Invocation } from './invocation.ts';
import { hanging } from './layout.ts';
import { paintFor, type Paint } from './style.ts';
import { quoted } from './usage.ts';

type SimulateInvocation = Extract<Invocation, { readonly kind: 'cron-simulate' }>;

const USUAL_COUNT = 10;
/** Every minute of a week. */
const MOST = 10_080;

/**
 * `maint cron simulate`: a schedule in words, and when it comes.
 * @throws MaintError USAGE for a schedule, a time zone or a time that is none
 */
export async function cronSimulateCommand(invocation: SimulateInvocation, world: World): Promise<number> {
  const timezone = invocation.timezone === undefined ? machineTimezone() : requireTimezone(invocation.timezone);
  const schedule = requireSchedule(invocation.expression);
  const { from: start, to: end, count = end === undefined ? USUAL_COUNT : MOST } = invocation;
  const from = start === undefined ? world.now() : requireTime(start, timezone, '--from');
  const to = end === undefined ? undefined : requireTime(end, timezone, '--to');
  const answer =
    schedule.kind === 'cron'
      ? simulate({ expression: schedule.expression, timezone, from, to, count })
      : simulateInterval({ everyMs: schedule.everyMs, timezone, from, to, count });
  const words = describeSchedule(schedule);
  const expression = schedule.kind === 'cron' ? schedule.expression.text : invocation.expression.trim();
  const { stdout, stderr, env } = world;
  if (invocation.format === 'json') {
    stdout.write(`${JSON.stringify({ format: 1, expression, words, timezone, ...answer })}\n`);
    return 0;
  }
  const paint = paintFor(invocation.common.color, env, stdout);
  const { runs, notes, isCut } = answer;
  stdout.write(`${words} (${timezone})\n`);
  stdout.write(runs.length === 0 ? `nothing comes in that time (${timezone})\n` : '');
  stdout.write(runs.map((run) => runLine(run, timezone, paint)).join(''));
  for (const note of notes) stdout.write(`${hanging('! ', note, stdout.columns).join('\n')}\n`);
  if (isCut) stderr.write(`maint: there are more than ${count}; narrow --from and --to\n`);
  return 0;
}

function requireSchedule(text: string): OwnSchedule {
  const read = readOwnSchedule(text);
  if ('schedule' in read) return read.schedule;
  throw new MaintError('USAGE', `${quoted(text)} is no schedule: ${read.fault}`, {
    hint: "Write minute, hour, day, month and weekday in quotes, such as '17 3 * * *', or a time such as '1 day'.",
  });
}

const JUMPS = {
  gap: 'the clocks leave its time out; it comes right after',
  overlap: 'this time comes twice',
} as const;

function runLine({ utc, local, offset, weekday, jump }: SimulatedRun, timezone: string, paint: Paint): string {
  const day = WEEKDAYS[weekday] ?? '';
  const name = `${day[0]?.toUpperCase() ?? ''}${day.slice(1)}`;
  const flag = jump === null ? '' : `  ${paint('yellow', `! ${JUMPS[jump]}`)}`;
  return `${name} ${local} ${offset} ${timezone}  ${utc.slice(0, 16)}Z${flag}\n`;
}
