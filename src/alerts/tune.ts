import type { RunReport, StepReport } from '../engine/report.ts';
import { decide } from './decide.ts';
import type { AlertPolicy, Need } from './policy.ts';
import { settle } from './settle.ts';
import type { AlertState } from './state.ts';
import type { Story } from './stats.ts';

/** Other thresholds for a number that a check keeps. */
export interface Thresholds {
  /** Name of the sample; the first one of each step where left out. */
  readonly sample: string | undefined;
  readonly warnAt: number | undefined;
  readonly failAt: number | undefined;
  /** Is less worse? */
  readonly isBelow: boolean;
}

/** One way to decide, tried on what really happened. */
export interface Candidate {
  readonly need: Need;
  readonly resolveAfter: number;
}

/** What a way to decide would have made of the history. */
export interface Replay extends Candidate {
  readonly firings: number;
  /** Alerts that somebody acted on, and that it would have told too. */
  readonly kept: number;
  readonly missed: number;
  /** How much later it would have told those, at most, in milliseconds. */
  readonly latestMs: number;
}

/** Ways to decide that are tried besides the present one. */
export const CANDIDATES: readonly Candidate[] = [
  { hits: 1, of: 1 },
  { hits: 2, of: 2 },
  { hits: 2, of: 3 },
  { hits: 3, of: 3 },
  { hits: 3, of: 5 },
].flatMap((need) => [1, 2, 3].map((resolveAfter) => ({ need, resolveAfter })));

/** The steps of one check, as far as a report has any, and judged by other thresholds where there are some. */
export function partOf(report: RunReport, check: string, thresholds: Thresholds): RunReport | undefined {
  const tasks = report.tasks.flatMap((task) => {
    const steps = task.steps.filter((step) => (step.concern?.check ?? task.task) === check);
    return steps.length === 0 ? [] : [{ ...task, steps: steps.map((step) => judged(step, thresholds)) }];
  });
  return tasks.length === 0 ? undefined : { ...report, tasks };
}

function judged(step: StepReport, { sample: name, warnAt, failAt, isBelow }: Thresholds): StepReport {
  const sample = step.samples.find((each) => name === undefined || each.name === name);
  if (sample === undefined || (warnAt === undefined && failAt === undefined)) return step;
  const reaches = (limit = NaN): boolean => (isBelow ? sample.value <= limit : sample.value >= limit);
  return { ...step, verdict: reaches(failAt) ? 'fail' : reaches(warnAt) ? 'warn' : 'done' };
}

interface Request {
  /** Parts of reports, oldest first. */
  readonly reports: readonly RunReport[];
  readonly check: string;
  readonly policy: AlertPolicy;
  /** Alerts that somebody acted on: these must never be lost. */
  readonly real: readonly Story[];
}

/** Lets the same function decide about the same reports in another way, and compares with what people acted on. */
export function replay({ reports, check, policy, real }: Request, { need, resolveAfter }: Candidate): Replay {
  const rule = Object.hasOwn(policy.checks, check) ? policy.checks[check] : {};
  const tried = { ...policy, mutes: [], checks: { ...policy.checks, [check]: { ...rule, need, resolveAfter } } };
  const fired: Firing[] = [];
  let states: readonly AlertState[] = [];
  for (const report of reports) {
    const now = new Date(report.slot ?? report.startedAt);
    const { states: next, notifications, changes } = decide({ states, report, now, policy: tried });
    for (const { kind, state } of changes)
      if (kind === 'fired') fired.push({ fingerprint: state.fingerprint, at: now.getTime() });
    const at = now.toISOString();
    states = settle(
      next,
      notifications.map((notification) => ({ notification, channels: ['replay'], at })),
    );
  }
  const delays = real.map((story) => delayOf(story, fired));
  const told = delays.filter((delay) => delay !== undefined);
  return {
    need,
    resolveAfter,
    firings: fired.length,
    kept: told.length,
    missed: delays.length - told.length,
    latestMs: Math.max(0, ...told),
  };
}

/** When a problem would have become an alert, in milliseconds of the epoch. */
interface Firing {
  readonly fingerprint: string;
  readonly at: number;
}

/** Alerts are dated to the minute, reports to the millisecond. */
const SLACK_MS = 60_000;

/**
 * How much later an alert would have been told; undefined where it would not. One that began before does not count: a way
 * to decide under which nothing ever ends would hide every later problem behind the first.
 */
function delayOf({ fingerprint, firedAt, resolvedAt }: Story, fired: readonly Firing[]): number | undefined {
  const [from, to] = [firedAt.getTime() - SLACK_MS, (resolvedAt?.getTime() ?? Infinity) + SLACK_MS];
  const hit = fired.find((each) => each.fingerprint === fingerprint && each.at >= from && each.at <= to);
  return hit && Math.max(0, hit.at - firedAt.getTime());
}

/** The way with the fewest alerts that loses none of those that mattered; the simplest of several. */
export function best(replays: readonly Replay[]): Replay | undefined {
  return replays
    .filter(({ missed }) => missed === 0)
    .toSorted((a, b) => a.firings - b.firings || a.latestMs - b.latestMs || a.resolveAfter - b.resolveAfter)[0];
}
