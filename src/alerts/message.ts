import { plural } from '../base/units.ts';
import type { RunReport } from '../engine/report.ts';
import { isRecovery, type Notification } from './notification.ts';
import { clip, shownInstant } from './text.ts';

/** All that one run has to tell, before it is written in the words of a channel. Plain data. */
export interface AlertMessage {
  /** The same over retries and from the spool, so that a receiver can tell a repetition; holds no dot. */
  readonly id: string;
  readonly kind: 'alert' | 'test';
  /** Of a test message: which half of it, and what it is good for. */
  readonly test?: TestPart;
  /** ISO instant of the run. */
  readonly at: string;
  /** UUID of the run. */
  readonly run: string;
  /** `daily`, `run health backup`. */
  readonly command: string;
  readonly project: string;
  readonly host: string;
  /** Worst first. Empty in a test message. */
  readonly notifications: readonly Notification[];
}

/** A test is an alarm that says it is none, and its end. */
export interface TestPart {
  readonly phase: 'trigger' | 'resolve';
  /** Proves that a person saw the message; it stands nowhere else. */
  readonly code?: string;
  /** The command that tells that it arrived, with the code in it; left out with the code. */
  readonly confirmBy?: string;
  /** Was it sent by the schedule, to find out whether the channel still works? Then it must not disturb. */
  readonly isCanary?: boolean;
}

const SHOWN_NOTIFICATIONS = 10;
const NAME_LIMIT = 80;
const STEP_LIMIT = 120;

/** The run that messages are about. */
interface MessagesOf {
  readonly report: RunReport;
  /** Told apart from the messages about the run itself. */
  readonly part: 'channels' | undefined;
  readonly at: Date;
}

/**
 * The messages of a run: one for each route and owner, the most urgent first. Their ids follow from the run's and from
 * what they are about.
 * @param notifications worst first
 */
export function groupMessages(
  { report, part, at }: MessagesOf,
  notifications: readonly Notification[],
): readonly AlertMessage[] {
  const { run, command, project, host } = report;
  const shared = { kind: 'alert' as const, at: at.toISOString(), run, command, project, host };
  return [...Map.groupBy(notifications, ({ group }) => group)].map(([group, own]) => ({
    id: ['alert', run, part ?? '', group].filter((word) => word !== '').join('_'),
    ...shared,
    notifications: own,
  }));
}

/** What `maint alerts test` sends: travels like an alarm and says that it is none. */
export function testMessage(about: {
  readonly run: string;
  readonly project: string;
  readonly host: string;
  readonly now: Date;
  readonly test?: TestPart;
}): AlertMessage {
  const { run, project, host, now, test = { phase: 'trigger' } } = about;
  const at = now.toISOString();
  const id = test.phase === 'trigger' ? `test_${run}` : `test_${run}_over`;
  return { id, kind: 'test', test, at, run, command: 'alerts test', project, host, notifications: [] };
}

/** The part of a message that a channel is to get; undefined when there is nothing in it for that channel. */
export function partFor(message: AlertMessage, channel: string): AlertMessage | undefined {
  const notifications = message.notifications.filter(
    ({ channels }) => channels === 'all' || channels.includes(channel),
  );
  return message.kind === 'test' || notifications.length > 0 ? { ...message, notifications } : undefined;
}

/** Does the message bring a problem, only good news, or neither? */
export function statusOf({ kind, notifications }: AlertMessage): 'firing' | 'resolved' | 'test' {
  if (kind === 'test') return 'test';
  return notifications.every(isRecovery) ? 'resolved' : 'firing';
}

/** The first ten, or as many as there is room for, and how many more there are. */
export function shownOf(
  { notifications }: AlertMessage,
  count = SHOWN_NOTIFICATIONS,
): {
  readonly shown: readonly Notification[];
  readonly more: number;
} {
  const shown = notifications.slice(0, count);
  return { shown, more: notifications.length - shown.length };
}

/** One line for a lock screen, the worst first: `FAIL: backup, dump app: no space left (and 2 more) · shop on db1`. */
export function subjectOf(message: AlertMessage): string {
  const where = placeOf(message);
  const [worst] = message.notifications;
  if (message.kind === 'test' || worst === undefined) return `TEST: ${testWords(message)} · ${where}`;
  const others = message.notifications.length - 1;
  return `${markOf(worst)}: ${nameOf(worst)}: ${clip(worst.summary, NAME_LIMIT)}${others === 0 ? '' : ` (and ${others} more)`} · ${where}`;
}

/** What a test says of itself. */
export function testWords({ test }: AlertMessage): string {
  if (test?.isCanary === true) return 'this channel works (regular check, nothing to do)';
  return test?.phase === 'resolve' ? 'over' : 'this channel works';
}

/** `shop on db1`. */
export function placeOf({ project, host }: AlertMessage): string {
  return `${clip(project, NAME_LIMIT)} on ${clip(host, NAME_LIMIT)}`;
}

/** The last line of a message: `shop on db1 · daily · run 0f0e… · 2026-11-21 02:00 UTC`. */
export function footerOf(message: AlertMessage): string {
  return `${placeOf(message)} · ${clip(message.command, 60)} · run ${message.run} · ${shownInstant(message.at)}`;
}

/** `backup, dump app`. */
export function nameOf({ task, step }: Notification): string {
  return `${clip(task, NAME_LIMIT)}, ${clip(step, STEP_LIMIT)}`;
}

/** The word a message about it begins with. */
export function markOf(notification: Notification): string {
  return isRecovery(notification) ? 'OK' : notification.severity.toUpperCase();
}

/** `2 problems, 1 recovered`. */
export function countsOf({ notifications }: AlertMessage): string {
  const recovered = notifications.filter(isRecovery).length;
  const problems = notifications.length - recovered;
  return [problems > 0 && plural(problems, 'problem'), recovered > 0 && `${recovered} recovered`]
    .filter((part) => part !== false)
    .join(', ');
}
