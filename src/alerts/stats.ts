import { DAY_MS } from '../base/units.ts';
import type { AlertClass, AlertOutcome } from '../engine/concern.ts';
import type { AlertEvent } from './events.ts';
import { handlingOf, shiftOf, type AlertPolicy } from './policy.ts';

/** One alert from its beginning to its end. */
export interface Story {
  readonly fingerprint: string;
  readonly task: string;
  readonly step: string;
  readonly check: string;
  readonly alertClass: AlertClass;
  readonly firedAt: Date;
  /** Undefined while it goes on. */
  readonly resolvedAt: Date | undefined;
  readonly ackedAt: Date | undefined;
  /** When a channel first took it as a page. */
  readonly pagedAt: Date | undefined;
  /** What a person found it to be; the last word counts. */
  readonly outcome: AlertOutcome | undefined;
}

/** Puts events together to the stories that they tell, oldest first. */
export function storiesIn(events: readonly AlertEvent[]): readonly Story[] {
  const groups = Map.groupBy(events, ({ fingerprint, story }) => `${fingerprint} ${story}`);
  return [...groups.values()].flatMap((own) => {
    const fired = own.find(({ kind }) => kind === 'fired');
    if (fired === undefined) return [];
    const { fingerprint, task, step, check, alertClass } = fired;
    const at = (event: AlertEvent | undefined): Date | undefined => event && new Date(event.at);
    return [
      {
        fingerprint,
        task,
        step,
        check,
        alertClass,
        firedAt: new Date(fired.at),
        resolvedAt: at(own.findLast(({ kind }) => kind === 'resolved')),
        ackedAt: at(own.find(({ kind }) => kind === 'acked')),
        pagedAt: at(own.find((event) => event.kind === 'told' && event.alertClass === 'page')),
        outcome: own.findLast(({ outcome }) => outcome !== null)?.outcome ?? undefined,
      },
    ];
  });
}

/** What alerts were worth. Durations in milliseconds, null where there is nothing to tell them from. */
export interface AlertStats {
  readonly fired: number;
  readonly byClass: Readonly<Record<AlertClass, number>>;
  readonly action: number;
  readonly noAction: number;
  readonly falsePositive: number;
  readonly duplicate: number;
  readonly unlabelled: number;
  /** Ended, and nobody had acknowledged or closed them: did they have to be told? */
  readonly selfResolved: number;
  /** Share of those with an outcome, duplicates aside, that nobody had to act on. */
  readonly noActionRate: number | null;
  readonly medianAckMs: number | null;
  readonly medianResolveMs: number | null;
  /** Pages that were sent while their owner was not at work. */
  readonly pagesOutsideHours: number;
  /** Most often first, at most five. */
  readonly noisy: readonly Count[];
  /** Silenced at least twice in thirty days: what one silences is wrong. */
  readonly silencedOften: readonly Count[];
  /** More than half of at least five needed no action: people will stop reading. */
  readonly isTiring: boolean;
}

interface Count {
  readonly task: string;
  readonly step: string;
  readonly count: number;
}

const FEWEST_OUTCOMES = 5;
const TIRING_RATE = 0.5;
const SHOWN = 5;

/**
 * Answers "how many alerts fired that required no action?".
 * @param events of the last thirty days at least, oldest first
 * @param since alerts that fired before are left out
 */
export function alertStats(
  events: readonly AlertEvent[],
  { since, now, policy }: { readonly since: Date; readonly now: Date; readonly policy: AlertPolicy },
): AlertStats {
  const stories = storiesIn(events).filter(({ firedAt }) => firedAt >= since);
  const labelled = (outcome: AlertOutcome): number => stories.filter((story) => story.outcome === outcome).length;
  const [action, noAction, falsePositive] = [labelled('action'), labelled('no-action'), labelled('false-positive')];
  const judged = action + noAction + falsePositive;
  const noActionRate = judged === 0 ? null : (noAction + falsePositive) / judged;
  const ofClass = (name: AlertClass): number => stories.filter(({ alertClass }) => alertClass === name).length;
  const silenced = events.filter(({ kind, at }) => kind === 'silenced' && now.getTime() - Date.parse(at) < 30 * DAY_MS);
  return {
    fired: stories.length,
    byClass: { page: ofClass('page'), ticket: ofClass('ticket'), report: ofClass('report') },
    action,
    noAction,
    falsePositive,
    duplicate: labelled('duplicate'),
    unlabelled: stories.filter(({ outcome }) => outcome === undefined).length,
    selfResolved: stories.filter(
      ({ resolvedAt, ackedAt, outcome }) => resolvedAt !== undefined && ackedAt === undefined && outcome === undefined,
    ).length,
    noActionRate,
    medianAckMs: median(
      stories.flatMap(({ firedAt, ackedAt }) => (ackedAt ? [ackedAt.getTime() - firedAt.getTime()] : [])),
    ),
    medianResolveMs: median(
      stories.flatMap(({ firedAt, resolvedAt }) => (resolvedAt ? [resolvedAt.getTime() - firedAt.getTime()] : [])),
    ),
    pagesOutsideHours: stories.filter((story) => isOutsideHours(story, policy)).length,
    noisy: counted(stories).slice(0, SHOWN),
    silencedOften: counted(silenced).filter(({ count }) => count >= 2),
    isTiring: noActionRate !== null && noActionRate > TIRING_RATE && judged >= FEWEST_OUTCOMES,
  };
}

function isOutsideHours({ pagedAt, check, alertClass }: Story, policy: AlertPolicy): boolean {
  if (pagedAt === undefined) return false;
  const { owner } = handlingOf({ check, alertClass }, 'fail', policy);
  return shiftOf(owner, policy, pagedAt)?.isNow === false;
}

function counted(items: readonly Omit<Count, 'count'>[]): readonly Count[] {
  const groups = Map.groupBy(items, ({ task, step }) => `${task}\0${step}`);
  return [...groups.values()]
    .flatMap(([first, ...rest]) => (first ? [{ task: first.task, step: first.step, count: rest.length + 1 }] : []))
    .toSorted((a, b) => b.count - a.count);
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}
