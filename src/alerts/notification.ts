import type { AlertClass } from '../engine/concern.ts';

/** How bad a problem is. `crash` means that we could not find out, which is as urgent as a failure. */
export type Severity = 'warn' | 'crash' | 'fail';

/** Why something is told, and the words for it. `recovered` and `gone` are good news: it is over, or no longer looked for. */
export const REASONS = {
  first: 'new',
  new_in_group: 'new, beside what is known',
  severity_raised: 'worse than before',
  repeat_due: 'still there',
  escalated: 'nobody has acknowledged it',
  ack_expired: 'still there, and its acknowledgement has ended',
  silence_expired: 'still there, and its silence has ended',
  flapping_started: 'comes and goes; told again once it is stable',
  flapping_stopped: 'no longer comes and goes: it is there to stay',
  recovered: 'recovered',
  gone: 'over',
} as const;
export type Reason = keyof typeof REASONS;

/** One thing to tell about one problem. Plain data: it may wait in the spool. */
export interface Notification {
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  readonly reason: Reason;
  readonly task: string;
  readonly step: string;
  /** The check that the step belongs to; the task where it is no check. */
  readonly check: string;
  /** Of the problem; of a problem that is over, what it was. */
  readonly severity: Severity;
  readonly alertClass: AlertClass;
  /** What the step says now. */
  readonly summary: string;
  /** Why it matters; null where nobody said. */
  readonly impact: string | null;
  /** Whose it is, with the contact: `team-db (@db)`; null where nobody is named. */
  readonly owner: string | null;
  /** What to do, with the commands that show the runbook and answer the alert. */
  readonly remediation: readonly string[];
  /** What else there is to know of this message: `silence of ana (disk swap) expired 10 min ago`. */
  readonly note: string | null;
  /** ISO instant at which the problem was seen first. */
  readonly firstSeenAt: string;
  /** Names of the channels it is meant for: an alarm goes to those of its route, its end to those that took the alarm. */
  readonly channels: 'all' | readonly string[];
  /** Channels that get it when none of the others took it. */
  readonly fallback: readonly string[];
  /** What is told in one message together: route and owner; empty where there is neither. */
  readonly group: string;
}

/** A notification as an earlier version left it in the spool, with what it lacks. */
export function withDefaults(stored: Notification): Notification {
  const older: Partial<Notification> = { check: stored.task };
  return { ...LACKING, ...older, ...stored };
}

const LACKING = {
  alertClass: 'ticket',
  impact: null,
  owner: null,
  note: null,
  fallback: [],
  group: '',
} as const;

/** Is this good news? */
export function isRecovery({ reason }: Pick<Notification, 'reason'>): boolean {
  return reason === 'recovered' || reason === 'gone';
}

/** Did the problem get worse in a way worth another message? A failure and "could not find out" weigh the same. */
export function isRaised(from: Severity, to: Severity): boolean {
  return from === 'warn' && to !== 'warn';
}

const ORDER: Readonly<Record<Severity, number>> = { fail: 0, crash: 1, warn: 2 };
const CLASS_ORDER: Readonly<Record<AlertClass, number>> = { page: 0, ticket: 1, report: 2 };

/** Does a failure outrank "could not find out", or either a warning? */
export function isWorse(severity: Severity, other: Severity): boolean {
  return ORDER[severity] < ORDER[other];
}

/** Worst first, good news last, then by task and step: the same from run to run. */
export function worstFirst(notifications: readonly Notification[]): readonly Notification[] {
  return notifications.toSorted(
    (a, b) =>
      Number(isRecovery(a)) - Number(isRecovery(b)) ||
      CLASS_ORDER[a.alertClass] - CLASS_ORDER[b.alertClass] ||
      ORDER[a.severity] - ORDER[b.severity] ||
      compare(a.task, b.task) ||
      compare(a.step, b.step),
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
