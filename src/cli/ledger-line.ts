import { bootId } from '../adapters/host.ts';
import type { World } from '../base/world.ts';
import type { Ledger, LedgerEntry, LedgerStatus } from '../engine/ledger.ts';
import type { RunReport } from '../engine/report.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { Config } from '../config/config.ts';
import { isOld } from '../schedule/standing.ts';

/** Which job a run is of, and which slot. */
export interface JobSlot {
  /** Of the tier, the task or the command. */
  readonly job: string;
  /** Undefined for a run by hand. */
  readonly slot: Date | undefined;
  /** Was the slot missed, and is it made up for now? */
  readonly isCatchUp: boolean;
}

function beginning(
  { job, slot, isCatchUp }: JobSlot,
  { run, startedAt }: { readonly run: string; readonly startedAt: Date },
  { hostname, process: { pid } }: World,
): LedgerEntry {
  return {
    job,
    slot: slot?.toISOString() ?? null,
    status: 'running',
    run,
    host: hostname,
    pid,
    bootId: bootId(),
    startedAt: startedAt.toISOString(),
    finishedAt: null,
    exitCode: null,
    isCatchUp,
    reason: null,
    fence: null,
  };
}

type RunEnd = Pick<RunReport, 'verdict' | 'stoppedBy' | 'finishedAt'>;

function ending(begun: LedgerEntry, end: RunEnd & { readonly graceMs: number }, exitCode: number): LedgerEntry {
  return { ...begun, status: statusOf(begun, end), exitCode, finishedAt: end.finishedAt, reason: null };
}

const STATUSES: Readonly<Record<Verdict, LedgerStatus>> = {
  done: 'ok',
  skip: 'ok',
  warn: 'warn',
  fail: 'failed',
  crash: 'failed',
  'not-run': 'failed',
};

function statusOf(
  { slot, startedAt }: LedgerEntry,
  { verdict, stoppedBy, graceMs }: RunEnd & { readonly graceMs: number },
): LedgerStatus {
  if (stoppedBy !== null) return 'killed';
  const status = STATUSES[verdict];
  if (status === 'failed' || slot === null) return status;
  return isOld(new Date(slot), new Date(startedAt), graceMs) ? 'late' : status;
}

/** The line of one run in the ledger, from its beginning to its end. Where the run is of no job, nothing is written. */
interface JobLine {
  /** @param reason what it waits for; left out where it begins at once */
  begin(reason?: string): void;
  /** The fence of the lease that it runs under; written with what comes next. */
  holds(fence: number | undefined): void;
  /** The process that tells from now on whether the run still goes on. */
  runsAs(pid: number): void;
  end(report: RunEnd, exitCode: number): void;
  /** It ran, but its slot is as good as not done. */
  skip(reason: string, exitCode: number): void;
  /** It ran, but its lease is that of another host now, and so is its slot. */
  lose(reason: string, exitCode: number): void;
  /** Nothing ran. @returns false where the very same stands there already */
  note(reason: string): boolean;
}

/** A run, and the job that it is of. */
interface RunOfJob {
  readonly job: JobSlot | undefined;
  readonly run: string;
  readonly startedAt: Date;
  readonly config: Pick<Config, 'graceMs'>;
}

/** Opens the line of a run. */
export function jobLine({ job, run, startedAt, config }: RunOfJob, ledger: Ledger, world: World): JobLine {
  if (job === undefined) return NO_LINE;
  let begun = beginning(job, { run, startedAt }, world);
  const finishedAt = (): string => world.now().toISOString();
  return {
    begin: (reason = '') => {
      begun = { ...begun, startedAt: finishedAt(), reason: reason === '' ? null : reason };
      ledger.write(begun);
    },
    holds: (fence) => {
      begun = { ...begun, fence: fence ?? null };
    },
    runsAs: (pid) => {
      begun = { ...begun, pid };
      ledger.write(begun);
    },
    end: (report, exitCode) => ledger.write(ending(begun, { ...report, graceMs: config.graceMs }, exitCode)),
    skip: (reason, exitCode) =>
      ledger.write({ ...begun, status: 'skipped', reason, exitCode, finishedAt: finishedAt() }),
    lose: (reason, exitCode) =>
      ledger.write({ ...begun, status: 'killed', reason, exitCode, finishedAt: finishedAt() }),
    note: (reason) => {
      const isWritten = ledger.unfinished().some((entry) => entry.run === run);
      const skipped = {
        ...begun,
        status: 'skipped' as const,
        reason,
        startedAt: finishedAt(),
        finishedAt: finishedAt(),
      };
      const isNew = !ledger.entries(job.job, 100).some((entry) => entry.slot === begun.slot && entry.reason === reason);
      if (isWritten) ledger.write(skipped);
      else ledger.note({ ...skipped, run: null });
      return isNew;
    },
  };
}

function nothing(): void {}

const NO_LINE: JobLine = {
  begin: nothing,
  holds: nothing,
  runsAs: nothing,
  end: nothing,
  skip: nothing,
  lose: nothing,
  note: () => true,
};
