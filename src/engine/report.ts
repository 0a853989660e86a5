import type { ErrorCode } from '../base/errors.ts';
import type { StopSignal } from '../base/world.ts';
import type { Concern } from './concern.ts';
import type { Facts } from './outcome.ts';
import type { Sample } from './sample.ts';
import type { Verdict } from './verdict.ts';

/** A run as plain data. Text, JSON and JUnit are renderings of it. Fields are only ever added; `format` rises when one changes. */
export interface RunReport {
  readonly format: 1;
  /** Version of maint. */
  readonly maint: string;
  /** UUID of the run. */
  readonly run: string;
  /** What was asked for: `daily`, `health`, `run health backup`. */
  readonly command: string;
  readonly project: string;
  readonly host: string;
  /** `app on db1:5432`; null where no task needed a database. */
  readonly database: string | null;
  /** The configuration file used; null with zero config. */
  readonly config: string | null;
  /** What maint assumed because nobody said otherwise. */
  readonly assumptions: readonly string[];
  /** What is wrong with the set-up itself but did not stop the work: a state directory that cannot be written, for one. */
  readonly notices: readonly string[];
  /** ISO instant the run was meant for; null when started by hand. */
  readonly slot: string | null;
  /** Of the lease under which it ran: it grows with each holder. Null where it held none. */
  readonly fence: number | null;
  readonly dryRun: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly durationMs: number;
  readonly verdict: Verdict;
  /** The signal that stopped the run; null when it ended by itself. */
  readonly stoppedBy: StopSignal | null;
  readonly tasks: readonly TaskReport[];
  /** What became of the alerts of this run; null before they were decided, and in a dry run. */
  readonly alerts: AlertReport | null;
}

export interface TaskReport {
  readonly task: string;
  readonly verdict: Verdict;
  readonly durationMs: number;
  /** Did `plan` come back with steps? A task that was not planned says nothing about its steps. */
  readonly planned: boolean;
  readonly steps: readonly StepReport[];
}

export interface StepReport {
  readonly title: string;
  readonly verdict: Verdict;
  readonly summary: string;
  readonly facts: Facts;
  readonly remediation: readonly string[];
  /** Why the step matters and how urgently; null where it is no check. */
  readonly concern: Concern | null;
  /** The code of the error behind a crash; null otherwise. */
  readonly code: ErrorCode | 'BUG' | null;
  /** A finer dotted name, such as `verify.rows_mismatch`; null where there is none. */
  readonly detail: string | null;
  /** What a dry run would have done. */
  readonly intent: readonly string[];
  readonly samples: readonly Sample[];
  readonly startedAt: string;
  readonly durationMs: number;
}

export interface AlertReport {
  /** How many messages at least one channel took. */
  readonly delivered: number;
  /** How many messages no channel took; they wait in the spool. */
  readonly undelivered: number;
  /** One line for each thing that went out or could not. */
  readonly lines: readonly string[];
}
