import type { MaintError } from '../../base/errors.ts';
import { bootId } from '../../adapters/host.ts';
import { formatDuration, plural } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import type { Ending } from '../../engine/endings.ts';
import type { Journal } from '../../engine/journal.ts';
import type { LedgerEntry } from '../../engine/ledger.ts';
import type { TaskReport } from '../../engine/report.ts';
import { isOld, type JobStanding } from '../../schedule/standing.ts';
import { NO_COORDINATOR } from '../coordinated.ts';
import { isBusy, isDead, jobsOf, policyOf, standingIn, type Job } from '../jobs.ts';
import { ownTask } from '../own-task.ts';

/** A slot to be run now. */
export interface DueRun {
  /** Of the job. */
  readonly name: string;
  readonly select: NonNullable<Job['select']>;
  readonly slot: Date;
  readonly isCatchUp: boolean;
}

interface JudgeRequest {
  readonly config: Config;
  readonly journal: Journal;
  /** Why the database that keeps the hosts apart did not answer; undefined where it did. */
  readonly unreachable: MaintError | undefined;
}

/**
 * Goes through the ledger: runs whose process is gone are written down as killed, slots that nobody will run as missed.
 * @returns what is to be said of each job, and what is to be run now
 */
export function judgeJobs(
  { config, journal, unreachable }: JudgeRequest,
  world: World,
): { readonly report: TaskReport; readonly due: readonly DueRun[] } {
  for (const entry of journal.ledger.unfinished().filter((each) => isDead(each, world)))
    journal.ledger.write({ ...entry, status: 'killed', reason: 'its process ended without a word' });
  const judged = jobsOf(config)
    .filter(isBusy)
    .map((job) => {
      remember(job, journal, world);
      const standing = standingIn(journal, { job, policy: policyOf(job, config) }, world);
      giveUp(job, standing, journal, world);
      const blockedBy = isBlockable(job, config) ? unreachable : undefined;
      return { job, standing, blockedBy, ending: endingOf({ job, standing, blockedBy }, world.now()) };
    });
  const steps = judged.map(({ job, ending }) => ({ title: job.name, ending }));
  return {
    report: ownTask({ task: 'schedule', planned: true, steps }, world),
    due: judged.flatMap(({ job: { name, select, graceMs }, standing, blockedBy }) =>
      blockedBy === undefined && select !== undefined
        ? standing.due.map((slot) => ({ name, select, slot, isCatchUp: isOld(slot, world.now(), graceMs) }))
        : [],
    ),
  };
}

/** What is known from now on owes from now on, unless it ran before; a changed schedule owes nothing from the old one. */
function remember({ name, schedule }: Job, { ledger }: Journal, world: World): void {
  const known = ledger.known().find(({ job }) => job === name);
  if (known?.schedule === schedule) return;
  const [newest] = known === undefined ? ledger.entries(name, 1) : [];
  ledger.know({ job: name, schedule, since: newest?.slot ?? newest?.startedAt ?? world.now().toISOString() });
}

function giveUp({ name }: Job, { givenUp }: JobStanding, { ledger }: Journal, world: World): void {
  for (const slot of givenUp)
    ledger.note({
      job: name,
      slot: slot.toISOString(),
      status: 'missed',
      run: null,
      host: world.hostname,
      pid: world.process.pid,
      bootId: bootId(),
      startedAt: world.now().toISOString(),
      finishedAt: null,
      exitCode: null,
      isCatchUp: false,
      reason: 'nobody began it',
      fence: null,
    });
}

/** Two hosts may look at the same time, but not change the same. */
function isBlockable({ tasks: names }: Job, { tasks }: Config): boolean {
  return tasks.some(({ task }) => names.includes(task.name) && task.effect !== 'reads');
}

interface Judged {
  readonly job: Job;
  readonly standing: JobStanding;
  readonly blockedBy: MaintError | undefined;
}

function endingOf({ job, standing, blockedBy }: Judged, now: Date): Ending {
  const { due, missed, last, isRunning, next } = standing;
  const facts = {
    missed: missed.map((slot) => slot.toISOString()),
    due: due.map((slot) => slot.toISOString()),
    next: next?.toISOString() ?? null,
  };
  if (due.length > 0 && blockedBy !== undefined) return { ...blocked(job, blockedBy), facts };
  if (due.length > 0) return { ...beginsNow(job, standing, now), facts };
  if (missed.length > 0) return { ...lost(job, missed), facts };
  if (last?.status === 'killed') return { ...killed(job, last), facts };
  const ago =
    last === undefined ? '' : ` for ${formatDuration(Math.max(0, now.getTime() - Date.parse(last.startedAt)))}`;
  if (isRunning) return { verdict: 'done', summary: `at work${ago}`, facts };
  const past = last === undefined ? 'has not run yet' : `${last.status}, ${ago.slice(5)} ago`;
  return { verdict: 'done', summary: `${past}; next ${facts.next?.slice(0, 16) ?? 'never'}Z`, facts };
}

function blocked({ name }: Job, error: MaintError): Ending {
  return {
    verdict: 'crash',
    code: error.code,
    summary: `skipped: ${NO_COORDINATOR}`,
    detail: 'schedule.no_coordinator',
    remediation: [error.hint, `It is made up for once the database answers; by hand: maint ${name}`],
  };
}

function beginsNow({ name, graceMs }: Job, { due, missed, last }: JobStanding, now: Date): Ending {
  const older = missed.filter((slot) => !due.includes(slot)).length;
  const isKilled = last?.status === 'killed';
  if (!isKilled && !due.some((slot) => isOld(slot, now, graceMs)))
    return { verdict: 'done', summary: 'due, and begins now' };
  const why = isKilled
    ? `its last run was killed${last.reason === null ? '' : `: ${last.reason}`}`
    : `nothing ran for ${plural(missed.length, 'slot')}`;
  const rest = older === 0 ? '' : `; ${plural(older, 'older one')} stay${older === 1 ? 's' : ''} undone`;
  return {
    verdict: 'warn',
    summary: `${why}; ${due.map((slot) => slot.toISOString().slice(0, 16)).join('Z, ')}Z is made up for now${rest}`,
    detail: isKilled ? 'schedule.killed' : 'schedule.caught_up',
    remediation: [
      'Find out why: was the machine off, or is cron not running? `journalctl --list-boots` and `systemctl status cron` tell.',
      `maint history shows what ran; maint status shows what is open for ${name}`,
    ],
  };
}

function lost(job: Job, missed: readonly Date[]): Ending {
  const newest = missed.at(-1)?.toISOString().slice(0, 16) ?? '';
  return {
    verdict: 'fail',
    summary: `${plural(missed.length, 'slot')} missed, the newest of ${newest}Z, and none of them is made up for`,
    detail: 'schedule.missed',
    remediation: [
      againBy(job),
      'schedule.catchUp and schedule.maxAge say what is made up for by itself',
      'maint cron install, where nothing starts it any more',
    ],
  };
}

function againBy({ name, select }: Job): string {
  return select === undefined
    ? `Start the command of ${name} again, by maint exec; this finding ends with that`
    : `maint ${name} runs it now; this finding ends with that`;
}

function killed(job: Job, { startedAt, reason }: LedgerEntry): Ending {
  const why = reason === null ? '' : `: ${reason}`;
  return {
    verdict: 'fail',
    summary: `the run that began at ${startedAt.slice(0, 16)}Z was killed, and is not begun again${why}`,
    detail: 'schedule.killed',
    remediation: [
      'Was it the memory? `journalctl -k --grep "Out of memory"` tells. Was it the machine? `journalctl --list-boots`',
      againBy(job),
    ],
  };
}
