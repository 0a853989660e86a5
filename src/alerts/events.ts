import type { AlertClass, AlertOutcome } from '../engine/concern.ts';
import type { AlertChange, ChangeKind } from './changes.ts';
import { isRecovery, type Reason, type Severity } from './notification.ts';
import type { Told } from './settle.ts';
import type { AlertState } from './state.ts';

/** Something that happened to an alert. Plain data, never changed once it is written. */
export interface AlertEvent {
  /** The same event has the same id, so that it is written once. */
  readonly id: string;
  /** ISO instant. */
  readonly at: string;
  readonly fingerprint: string;
  /** The story it belongs to: the ISO instant at which the problem was seen first. */
  readonly story: string;
  readonly kind: ChangeKind | 'told' | 'ended' | 'acked' | 'closed';
  readonly task: string;
  readonly step: string;
  readonly check: string;
  readonly alertClass: AlertClass;
  readonly severity: Severity;
  readonly summary: string;
  /** UUID of the run; null where a person did it. */
  readonly run: string | null;
  readonly reason: Reason | null;
  /** The channels that took it. */
  readonly channels: readonly string[];
  readonly by: string | null;
  readonly note: string | null;
  readonly outcome: AlertOutcome | null;
}

/** Which alert something was said of. */
export type Subject = Pick<
  AlertEvent,
  'fingerprint' | 'story' | 'task' | 'step' | 'check' | 'alertClass' | 'severity' | 'summary'
>;

/** What a person did. */
interface Answer {
  readonly kind: 'acked' | 'closed';
  readonly by: string;
  readonly note: string | null;
  readonly outcome: AlertOutcome | null;
}

const NOTHING = { run: null, reason: null, channels: [], by: null, note: null, outcome: null } as const;

/** Writes down what a run changed. */
export function changeEvent({ kind, state, alertClass, run }: AlertChange, at: Date): AlertEvent {
  const { muted } = state;
  const silence = kind === 'silenced' && muted !== null ? { by: muted.by, note: muted.reason } : {};
  const id = `${state.fingerprint}:${kind}:${run}`;
  return { ...NOTHING, ...about(state), id, alertClass, at: at.toISOString(), kind, run, ...silence };
}

/** Writes down what was told where. */
export function toldEvent({ notification, channels, at }: Told, run: string): AlertEvent {
  const { fingerprint, firstSeenAt, task, step, check, alertClass, severity, summary, reason, note } = notification;
  return {
    ...NOTHING,
    id: `${fingerprint}:${reason}:${run}:${channels.join(',')}`,
    at,
    fingerprint,
    story: firstSeenAt,
    kind: isRecovery(notification) ? 'ended' : 'told',
    task,
    step,
    check,
    alertClass,
    severity,
    summary,
    run,
    reason,
    channels,
    note,
  };
}

/** Writes down what a person said. */
export function answerEvent(subject: Subject, answer: Answer, now: Date): AlertEvent {
  const at = now.toISOString();
  const { fingerprint, story, task, step, check, alertClass, severity, summary } = subject;
  const named = { fingerprint, story, task, step, check, alertClass, severity, summary };
  return { ...NOTHING, ...named, ...answer, id: `${fingerprint}:${answer.kind}:${at}`, at };
}

/** Which alert a state is of. */
export function subjectOfState(state: AlertState): Subject {
  return { ...about(state), alertClass: state.toldClass ?? state.alertClass };
}

function about({ fingerprint, firstSeenAt, task, step, check, seen, summary }: AlertState) {
  return { fingerprint, story: firstSeenAt, task, step, check, severity: seen, summary };
}
