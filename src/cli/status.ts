import { formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import type { Journal } from '../engine/journal.ts';
import type { LedgerEntry, LedgerStatus } from '../engine/ledger.ts';
import { openJournalToRead } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { fateMark } from './fates.ts';
import type { Invocation } from './invocation.ts';
import { isBusy, jobsOf, standingIn, type Job } from './jobs.ts';
import { verdictOf, type Fate } from './lives.ts';
import { stateDirectory } from './state-directory.ts';
import { paintFor, type Paint } from './style.ts';

type StatusInvocation = Extract<Invocation, { readonly kind: 'status' }>;

/** Where one job stands. All instants as ISO text. */
interface JobStatus {
  readonly job: string;
  readonly schedule: string;
  readonly tasks: readonly string[];
  /** The newest run, with its slot, host, exit code and end; null where it never ran. */
  readonly last: LedgerEntry | null;
  readonly lastRun: string | null;
  readonly fate: Fate | null;
  /** Slots since the last run that nobody began. */
  readonly missed: readonly string[];
  /** Slots since the last run that were to begin and could not. */
  readonly skipped: readonly { readonly slot: string; readonly reason: string }[];
  /** The newest slot that nobody has run; null when there is none. */
  readonly overdueSince: string | null;
  readonly next: string | null;
}

/**
 * `maint status`: what ran when, what is overdue, what comes next.
 * @returns 1 when a job that has run before has missed or skipped a slot since, or its last run was killed
 */
export async function statusCommand({ common, format }: StatusInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks });
  using journal = openJournalToRead(stateDirectory(world, common, config));
  for (const notice of journal.notices) world.stderr.write(`maint: ${notice}\n`);
  const jobs = jobsOf(config).map((job) => jobStatus(job, journal, world));
  const lastOfTasks = journal.lastOfEachTask();
  const spooled = journal.shelf('spool').all().length;
  const exitCode = jobs.some(isLate) ? 1 : 0;
  if (format === 'json') {
    const tiers = jobs.slice(0, 4).map(({ job, ...rest }) => ({ tier: job, ...rest }));
    stdout.write(
      `${JSON.stringify({ format: 1, project: config.project, tiers, jobs, tasks: lastOfTasks, spooled })}\n`,
    );
    return exitCode;
  }
  const paint = paintFor(common.color, env, stdout);
  const width = Math.max(...jobs.map(({ job }) => job.length));
  const rows = jobs.flatMap((job) => jobLines({ ...job, job: job.job.padEnd(width) }, world.now(), paint));
  const tasksRows = lastOfTasks.map(
    ({ task, verdict, startedAt }) =>
      `${fateMark(verdictOf(verdict), paint)} ${task.padEnd(14)}  ${ago(startedAt, world.now())}`,
  );
  const waiting = spooled === 0 ? [] : [`${spooled} undelivered alert messages wait for the next run`];
  stdout.write(`${[config.project, ...rows, '', ...tasksRows, ...waiting].join('\n').trimEnd()}\n`);
  return exitCode;
}

function jobStatus(job: Job, journal: Journal, world: World): JobStatus {
  const { name, schedule, tasks: names } = job;
  const { last, missed, skipped, next } = standingIn(journal, { job, policy: undefined }, world);
  // A tier without tasks has nothing to do, so it is never late.
  const isIdle = !isBusy(job);
  const missedSlots = isIdle ? [] : missed.map((slot) => slot.toISOString());
  return {
    job: name,
    schedule,
    tasks: names,
    last: last ?? null,
    lastRun: last?.startedAt ?? null,
    fate: last === undefined ? null : FATES[last.status],
    missed: missedSlots,
    skipped: isIdle ? [] : skipped.map(({ slot, reason }) => ({ slot: slot.toISOString(), reason })),
    overdueSince: missedSlots.at(-1) ?? null,
    next: isIdle ? null : (next?.toISOString() ?? null),
  };
}

const FATES: Readonly<Record<LedgerStatus, Fate>> = {
  running: 'running',
  ok: 'done',
  late: 'done',
  warn: 'warn',
  failed: 'fail',
  killed: 'killed',
  skipped: 'skip',
  missed: 'not-run',
};

function isLate({ missed, skipped, next, fate }: JobStatus): boolean {
  return missed.length + skipped.length > 0 || (next !== null && fate === 'killed');
}

function jobLines(status: JobStatus, now: Date, paint: Paint): readonly string[] {
  const { job, tasks: names, last, lastRun, fate, missed, skipped, next } = status;
  const mark = fate === null ? paint('dim', '·') : fateMark(fate, paint);
  const late = last?.status === 'late' ? ', late' : last?.isCatchUp === true ? ', made up for' : '';
  const past = lastRun === null ? 'never ran' : `${fate ?? ''}${late} ${ago(lastRun, now)}`;
  const coming = next === null ? '' : `  next ${next.slice(0, 16)}Z`;
  const what = names.length > 0 ? names.join(', ') : next === null ? paint('dim', 'no task') : 'a command';
  return [
    `${mark} ${job}  ${past.padEnd(22)}${coming}  ${what}`,
    ...(missed.length === 0
      ? []
      : [indented(paint('red', `${plural(missed.length, 'slot')} missed: nothing ran for ${slotList(missed)}`))]),
    ...skipped.map(({ slot, reason }) => indented(paint('red', `skipped ${shortSlot(slot)}: ${reason}`))),
  ];
}

/** The newest, and how many more. */
function slotList(slots: readonly string[]): string {
  const shown = slots.slice(-3).map(shortSlot);
  return [...(slots.length > 3 ? [`${slots.length - 3} more`] : []), ...shown].join(', ');
}

function shortSlot(slot: string): string {
  return `${slot.slice(0, 16)}Z`;
}

function indented(text: string): string {
  return `${' '.repeat(13)}${text}`;
}

function ago(instant: string, now: Date): string {
  return `${formatDuration(Math.max(0, now.getTime() - Date.parse(instant)))} ago`;
}
