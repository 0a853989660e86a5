import { MaintError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatDuration } from '../base/units.ts';
import type { Concern } from './concern.ts';
import type { Outcome } from './outcome.ts';
import type { StepReport } from './report.ts';
import type { Verdict } from './verdict.ts';

/** How a step came to its end: an outcome, or what became of an error or a signal. */
export interface Ending extends Omit<Outcome, 'status'> {
  readonly verdict: Verdict;
  readonly code?: ErrorCode | 'BUG';
}

/** What is known of a step when it begins. */
interface Beginning {
  readonly title: string;
  readonly startedAt: Date;
  readonly startedMs: number;
  readonly intent: readonly string[];
  readonly concern?: Concern | undefined;
}

/** Puts beginning and end of a step together as plain data. */
export function stepReport(beginning: Beginning, clock: { monotonicMs(): number }, ending: Ending): StepReport {
  return {
    title: beginning.title,
    verdict: ending.verdict,
    summary: ending.summary,
    facts: ending.facts ?? {},
    remediation: ending.remediation ?? [],
    concern: beginning.concern ?? null,
    code: ending.code ?? null,
    detail: ending.detail ?? null,
    intent: beginning.intent,
    samples: ending.samples ?? [],
    startedAt: beginning.startedAt.toISOString(),
    durationMs: clock.monotonicMs() - beginning.startedMs,
  };
}

/** A step that the run's signal stopped, or that was never reached because of it. */
export function interrupted(signal: AbortSignal, how: 'not reached' | 'stopped'): Ending {
  return { verdict: 'not-run', summary: `${how}: the run was stopped by ${String(signal.reason)}`, code: 'CANCELLED' };
}

interface Timing {
  /** For the step. */
  readonly deadlineMs: number;
  /** For the whole task, where less of it was left than the step may take. */
  readonly wholeMs: number | undefined;
  hasTimedOut(): boolean;
}

interface Circumstances {
  readonly run: { readonly signal: AbortSignal; readonly log: Log };
  readonly timing: Timing;
}

/**
 * What a thrown error says about a step. Stopped by the signal: `not-run`. Out of time: a crash. A known obstacle: `fail`
 * where the table of errors gives it exit code 1, for then something is known to be broken, else `crash`. Anything
 * else is a bug in maint.
 */
export function thrownStep(error: unknown, { run, timing }: Circumstances): Ending {
  if (run.signal.aborted) return interrupted(run.signal, 'stopped');
  if (timing.hasTimedOut()) return crashed(timedOut(timing, error), run.log);
  if (error instanceof MaintError) return crashed(error, run.log);
  run.log.error({ err: error }, 'a bug in maint');
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    verdict: 'crash',
    code: 'BUG',
    summary: `a bug in maint: ${message}`,
    remediation: ['Please report it with the stack trace from the log.'],
  };
}

function timedOut({ deadlineMs, wholeMs }: Timing, cause: unknown): MaintError {
  if (wholeMs === undefined)
    return new MaintError('TIMED_OUT', `did not end within its deadline of ${formatDuration(deadlineMs)}`, { cause });
  return new MaintError('TIMED_OUT', `no answer in the ${formatDuration(wholeMs)} that all of the task may take`, {
    hint: 'Look first at what else is slow or silent in this report: it took the time. Else give the task more of it.',
    cause,
  });
}

function crashed(error: MaintError, log: Log): Ending {
  log.warn({ err: error, code: error.code }, 'step crashed');
  return {
    verdict: error.exitCode === 1 ? 'fail' : 'crash',
    code: error.code,
    summary: error.message,
    remediation: [error.hint, ...error.commands],
    ...(error.detail !== undefined && { detail: error.detail }),
  };
}
