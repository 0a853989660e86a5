import { markOf, nameOf, shownOf, testWords, type AlertMessage } from '../message.ts';
import { isRecovery, REASONS, type Notification } from '../notification.ts';
import { clip, shortened, shownInstant, type Room } from '../text.ts';

/** What a message is about, for colours and priorities. */
export type Tone = 'failing' | 'warning' | 'recovered' | 'test';

/** One notification in words that every channel can use, within a limit. Texts are plain: each channel escapes for itself. */
export interface Entry {
  readonly tone: Tone;
  /** `FAIL: health, disk /` */
  readonly title: string;
  readonly summary: string;
  /** Short pairs: since when and why now, impact, owner. */
  readonly facts: readonly Fact[];
  /** What to do, each a sentence or a command. */
  readonly remediation: readonly string[];
  /** The line of the remediation that a browser can open: the runbook; undefined where there is none. */
  readonly link: string | undefined;
}

/** A name and what it says. */
interface Fact {
  readonly name: string;
  readonly value: string;
}

/** Since when, and why it is told now: `new, since 2026-11-21 02:00 UTC`. */
export function sinceOf(notification: Notification): string {
  const { reason, severity, firstSeenAt } = notification;
  const at = shownInstant(firstSeenAt);
  if (isRecovery(notification)) return `was ${severity} since ${at}`;
  // Woken at night, people read CRASH as what has happened to the thing itself.
  const unknown = severity === 'crash' ? 'could not be found out; ' : '';
  return `${unknown}${REASONS[reason]}, since ${at}`;
}

/** Is there anything worse than good news in it? */
export function toneOf(message: AlertMessage): Tone {
  if (message.kind === 'test') return 'test';
  const tones = message.notifications.map(toneOfOne);
  return (['failing', 'warning'] as const).find((tone) => tones.includes(tone)) ?? 'recovered';
}

function toneOfOne(notification: Notification): Tone {
  if (isRecovery(notification)) return 'recovered';
  return notification.severity === 'warn' ? 'warning' : 'failing';
}

/**
 * The notifications that a message shows, as many and as long as there is room for (remediation: together).
 * A test has one entry, which says that it is a test.
 */
export function entriesOf(message: AlertMessage, { limit, count }: Room): readonly Entry[] {
  if (message.kind === 'test') return [testEntry(message)];
  return shownOf(message, count).shown.map((notification) => entryOf(notification, limit));
}

/** One notification in words. */
export function entryOf(notification: Notification, limit: number): Entry {
  const { owner, impact, note, remediation } = notification;
  return {
    tone: toneOfOne(notification),
    title: `${markOf(notification)}: ${nameOf(notification)}`,
    summary: shortened(notification.summary, limit),
    facts: [
      { name: 'Status', value: sinceOf(notification) },
      ...(note === null ? [] : [{ name: 'Note', value: shortened(note, limit) }]),
      // What is over harms nobody any more.
      ...(impact === null || isRecovery(notification) ? [] : [{ name: 'Impact', value: shortened(impact, limit) }]),
      ...(owner === null ? [] : [{ name: 'Owner', value: clip(owner, Math.min(limit, 120)) }]),
    ],
    remediation: withinLimit(remediation, limit),
    link: remediation.find(isLink),
  };
}

function testEntry(message: AlertMessage): Entry {
  const { test, run } = message;
  const isOver = test?.phase === 'resolve';
  return {
    tone: isOver ? 'recovered' : 'test',
    title: `TEST: ${testWords(message)}`,
    summary: isOver
      ? 'The test alert is over. Nothing was wrong, and nothing is.'
      : 'A test of the way that alerts take. Nothing is wrong, and nothing needs to be done.',
    facts: [
      { name: 'Test', value: run },
      ...(test?.confirmBy === undefined ? [] : [{ name: 'Confirm with', value: test.confirmBy }]),
    ],
    remediation: [],
    link: undefined,
  };
}

/** As many lines as fit into the limit together; a first line that does not fit is shortened. */
function withinLimit(lines: readonly string[], limit: number): readonly string[] {
  let left = limit;
  const fitting = lines.filter((line) => (left -= line.length) >= 0);
  const [first] = lines;
  return fitting.length === 0 && first !== undefined ? [shortened(first, limit)] : fitting;
}

function isLink(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && text.length <= 2_000;
}
