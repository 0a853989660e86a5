/** How bad a problem is. `crash` means that we could not find out, which is as urgent as a failure. */
export type Severity = 'warn' | 'crash' | 'fail';

/** Why something is told. `recovered` and `gone` are good news: the problem is over, or no longer looked for. */
export type Reason = 'first' | 'severity_raised' | 'repeat_due' | 'recovered' | 'gone';

/** One thing to tell about one problem. Plain data: it may wait in the spool. */
export interface Notification {
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  readonly reason: Reason;
  readonly task: string;
  readonly step: string;
  /** Of the problem; of a problem that is over, what it was. */
  readonly severity: Severity;
  /** What the step says now. */
  readonly summary: string;
  readonly remediation: readonly string[];
  /** ISO instant at which the problem was seen first. */
  readonly firstSeenAt: string;
  /** Names of the channels it is meant for: an alarm goes to all, its end to those that took the alarm. */
  readonly channels: 'all' | readonly string[];
}

/** Is this good news? */
export function isRecovery({ reason }: Pick<Notification, 'reason'>): boolean {
  return reason === 'recovered' || reason === 'gone';
}

/** Did the problem get worse in a way worth another message? A failure and "could not find out" weigh the same. */
export function isRaised(from: Severity, to: Severity): boolean {
  return from === 'warn' && to !== 'warn';
}

const ORDER: Readonly<Record<Severity, number>> = { fail: 0, crash: 1, warn: 2 };

/** Does a failure outrank "could not find out", or either a warning? */
export function isWorse(severity: Severity, other: Severity): boolean {
  return ORDER[severity] < ORDER[other];
}

/** Worst first, good news last, then by task and step: the same from run to run. */
export function worstFirst(notifications: readonly Notification[]): readonly Notification[] {
  return notifications.toSorted(
    (a, b) =>
      Number(isRecovery(a)) - Number(isRecovery(b)) ||
      ORDER[a.severity] - ORDER[b.severity] ||
      compare(a.task, b.task) ||
      compare(a.step, b.step),
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
