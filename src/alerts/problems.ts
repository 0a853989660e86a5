import { createHash } from 'node:crypto';
import type { ErrorCode } from '../base/errors.ts';
import type { AlertClass } from '../engine/concern.ts';
import type { RunReport, StepReport, TaskReport } from '../engine/report.ts';
import { isWorse, type Severity } from './notification.ts';

/** Title of the step that stands for a plan that crashed. */
const PLAN_STEP = 'plan';

/** Which problem something speaks of. */
interface Subject {
  readonly fingerprint: string;
  readonly task: string;
  readonly step: string;
}

/** A problem as a report shows it. */
export interface Problem extends Subject {
  readonly severity: Severity;
  readonly summary: string;
  readonly remediation: readonly string[];
  /** The check that the step belongs to; the task where it is no check. */
  readonly check: string;
  /** Page of its runbook; null where it has none. */
  readonly runbook: string | null;
  /** As the check declares it for a failure. */
  readonly alertClass: AlertClass;
  /** Why it matters; null where nobody said. */
  readonly impact: string | null;
}

/** What a report says about one earlier problem: still there, over (with what the step says now), or nothing. */
export type Standing =
  | { readonly is: 'open' }
  | { readonly is: 'unknown' }
  | { readonly is: 'recovered'; readonly summary: string }
  | { readonly is: 'gone'; readonly summary: string };

/** A report, read as an answer to "which problems are there?". */
export interface Findings {
  readonly problems: ReadonlyMap<string, Problem>;
  standing(subject: Subject): Standing;
}

/**
 * The identity of a problem: the first 16 hex digits of SHA-256 over project, task and step title with NUL between
 * them. It follows from the names alone, so it is the same after the state was lost.
 */
export function fingerprintOf(project: string, task: string, step: string): string {
  return createHash('sha256').update([project, task, step].join('\0')).digest('hex').slice(0, 16);
}

/**
 * Reads a report.
 * @param on the mildest verdict that counts as a problem; `fail` includes what could not be found out
 */
export function readFindings(report: RunReport, on: 'warn' | 'fail'): Findings {
  const problems = new Map<string, Problem>();
  const isDatabaseDown = report.tasks.some(({ steps }) => steps.some(isDatabaseSilent));
  for (const { task, steps } of report.tasks)
    for (const step of steps) {
      if (isDatabaseDown && isInhibited(step)) continue;
      const severity = severityOf(step, report, on);
      const fingerprint = fingerprintOf(report.project, task, step.title);
      const other = problems.get(fingerprint)?.severity;
      if (severity === undefined || (other !== undefined && !isWorse(severity, other))) continue;
      problems.set(fingerprint, problemOf({ fingerprint, task, step: step.title }, step, severity));
    }
  const tasks = new Map(report.tasks.map((task) => [task.task, task]));
  return {
    problems,
    standing: (subject) => {
      if (problems.has(subject.fingerprint)) return { is: 'open' };
      const isOfThisProject = subject.fingerprint === fingerprintOf(report.project, subject.task, subject.step);
      const task = tasks.get(subject.task);
      return task === undefined || !isOfThisProject ? { is: 'unknown' } : absence(subject, task, report);
    },
  };
}

function problemOf(subject: Subject, { concern, summary, remediation }: StepReport, severity: Severity): Problem {
  const shared = { ...subject, severity, summary, remediation };
  if (concern === null) return { ...shared, check: subject.task, runbook: null, alertClass: 'ticket', impact: null };
  const { check, alertClass, impact } = concern;
  return { ...shared, check, runbook: check, alertClass, impact };
}

/** What a step of any task meets when the database does not answer. */
const DATABASE_CODES: ReadonlySet<ErrorCode | 'BUG' | null> = new Set<ErrorCode>([
  'DATABASE_UNREACHABLE',
  'DATABASE_LOGIN_REFUSED',
  'DATABASE_NOT_FOUND',
  'DATABASE_BUSY',
  'CONNECTION_LOST',
]);

/** The step whose own question is whether the database answers. */
function isDatabaseSilent({ concern, verdict }: StepReport): boolean {
  return concern?.check === 'database-answers' && (verdict === 'fail' || verdict === 'crash');
}

/** One alarm says that the database does not answer; who only suffers from it is no problem of its own. */
function isInhibited(step: StepReport): boolean {
  return DATABASE_CODES.has(step.code) && !isDatabaseSilent(step);
}

function absence({ step: title }: Subject, { planned, steps }: TaskReport, report: RunReport): Standing {
  const step = steps.find((candidate) => candidate.title === title);
  // In a round with trouble a step may be skipped or missing because of it: that is no sign of health.
  const isTroubled = steps.some(({ verdict }) => verdict === 'fail' || verdict === 'crash');
  if (step !== undefined) {
    const isInhibitedBy = step.facts['inhibitedBy'] !== undefined || isInhibited(step);
    const isSilent = saysNothing(step, report) || isInhibitedBy || (step.verdict === 'skip' && isTroubled);
    return isSilent ? { is: 'unknown' } : { is: 'recovered', summary: nowOf(step) };
  }
  if (!planned || (isTroubled && title !== PLAN_STEP)) return { is: 'unknown' };
  if (title === PLAN_STEP) return { is: 'recovered', summary: 'the task could be planned again' };
  return { is: 'gone', summary: 'no longer part of the task' };
}

/** A failure that became a warning is over where only failures are told, but not all is well. */
function nowOf({ verdict, summary }: StepReport): string {
  return verdict === 'warn' ? `only a warning now: ${summary}` : summary;
}

function severityOf(step: StepReport, report: RunReport, on: 'warn' | 'fail'): Severity | undefined {
  const { verdict } = step;
  if (saysNothing(step, report)) return undefined;
  if (verdict === 'fail' || verdict === 'crash') return verdict;
  return verdict === 'warn' && on === 'warn' ? verdict : undefined;
}

/** Whoever stopped the run knows that it was stopped: a step that was cut off by it found nothing out. */
function saysNothing({ verdict, code }: StepReport, { stoppedBy }: RunReport): boolean {
  return verdict === 'not-run' || (stoppedBy !== null && code === 'CANCELLED');
}
