import type { RunReport } from '../engine/report.ts';
import { isRaised, worstFirst, type Notification, type Reason } from './notification.ts';
import { readFindings, type Problem, type Standing } from './problems.ts';
import type { AlertState } from './store.ts';

/** What the configuration says about telling. */
interface AlertPolicy {
  /** The mildest verdict that is told; `fail` includes what could not be found out. */
  readonly on: 'warn' | 'fail';
  /** A problem that stays is told again after this long. */
  readonly repeatAfterMs: number;
}

/** Everything that a decision rests on. */
export interface DecideRequest {
  readonly states: readonly AlertState[];
  readonly report: RunReport;
  readonly now: Date;
  readonly policy: AlertPolicy;
}

/** What to tell, worst first, and what is known from now on. States say what was told only after `settle`. */
export interface Decision {
  readonly notifications: readonly Notification[];
  readonly states: readonly AlertState[];
}

interface Judged {
  readonly notification?: Notification;
  readonly state?: AlertState;
}

/**
 * Decides what a report is worth telling, given what was told before. Pure. A notification that no channel takes comes
 * again with the next decision, because it still was not told.
 */
export function decide({ states, report, now, policy }: DecideRequest): Decision {
  if (report.dryRun) return { notifications: [], states };
  const findings = readFindings(report, policy.on);
  const known = new Map(states.map((state) => [state.fingerprint, notInFuture(state, now)]));
  const judged = [
    ...known
      .values()
      .filter(({ fingerprint }) => !findings.problems.has(fingerprint))
      .map((state) => judgeAbsent(state, findings.standing(state))),
    ...findings.problems
      .values()
      .map((problem) => judgeProblem(problem, known.get(problem.fingerprint), { now, policy })),
  ];
  return {
    notifications: worstFirst(judged.flatMap(({ notification }) => notification ?? [])),
    states: judged.flatMap(({ state }) => state ?? []),
  };
}

/** After the clock went backwards an alarm seems told in the future; counted from now it is neither lost nor repeated at once. */
function notInFuture(state: AlertState, now: Date): AlertState {
  const latest = now.toISOString();
  const { firstSeenAt, lastToldAt } = state;
  return {
    ...state,
    firstSeenAt: earlier(firstSeenAt, latest),
    lastToldAt: lastToldAt === null ? null : earlier(lastToldAt, latest),
  };
}

function earlier(instant: string, other: string): string {
  return Date.parse(instant) < Date.parse(other) ? instant : other;
}

interface Situation {
  readonly now: Date;
  readonly policy: AlertPolicy;
}

function judgeProblem(problem: Problem, earlierState: AlertState | undefined, { now, policy }: Situation): Judged {
  const state = earlierState ?? newState(problem, now);
  const reason = reasonFor(problem, state, { now, policy });
  // Once one channel knows that it is over, the next failure is a new story, whatever the others still have to hear.
  const firstSeenAt = reason === 'first' && state.deliveredTo.length > 0 ? now.toISOString() : state.firstSeenAt;
  const severity = reason === 'severity_raised' ? state.severity : problem.severity;
  return {
    state: { ...state, firstSeenAt, severity, summary: problem.summary },
    ...(reason !== undefined && { notification: { ...problem, reason, firstSeenAt, channels: 'all' } }),
  };
}

function newState({ fingerprint, task, step, severity, summary }: Problem, now: Date): AlertState {
  const firstSeenAt = now.toISOString();
  return { fingerprint, task, step, severity, summary, firstSeenAt, lastToldAt: null, deliveredTo: [] };
}

function reasonFor(problem: Problem, state: AlertState, { now, policy }: Situation): Reason | undefined {
  if (state.lastToldAt === null) return 'first';
  if (isRaised(state.severity, problem.severity)) return 'severity_raised';
  return now.getTime() - Date.parse(state.lastToldAt) >= policy.repeatAfterMs ? 'repeat_due' : undefined;
}

function judgeAbsent(state: AlertState, standing: Standing): Judged {
  if (standing.is === 'open' || standing.is === 'unknown') return { state };
  if (state.deliveredTo.length === 0) return {};
  const { fingerprint, task, step, severity, firstSeenAt, deliveredTo } = state;
  const { is: reason, summary } = standing;
  return {
    state,
    notification: {
      fingerprint,
      reason,
      task,
      step,
      severity,
      summary,
      remediation: [],
      firstSeenAt,
      channels: deliveredTo,
    },
  };
}
