import { printable } from '../base/printable.ts';
import { formatBytes, formatCount, plural } from '../base/units.ts';
import { done, warn, type Outcome } from '../engine/outcome.ts';
import type { Fate } from './remove.ts';
import type { Candidate, Selection } from './select.ts';
import type { CleaningRule } from './settings.ts';
import type { Survey } from './survey.ts';

/** How many paths a report names before it only counts. */
const NAMED = 20;

const WHY: Readonly<Record<Exclude<Fate, 'removed' | 'vanished'>, string>> = {
  open: 'a process has it open',
  changed: 'it changed meanwhile',
  refused: 'the system does not allow it',
  mount: 'another disk is mounted there',
  guarded: 'it holds a database, backups or the state of maint',
  special: 'it holds something that is neither file, folder nor link',
  deep: 'it is nested too deep',
};
/** A person can do something about these; the others are as they should be. */
const ODD: ReadonlySet<Fate> = new Set(['refused', 'deep']);

/** What a rule would do, line by line. */
export function ruleIntent(
  rule: CleaningRule,
  { going, waiting, covered, coveredBytes }: Selection<Candidate>,
  { begun, aside }: Survey,
): readonly string[] {
  const noun = nounOf(rule);
  const all = [...begun, ...going];
  const head =
    all.length === 0
      ? `nothing below ${rule.root} has to go: ${plural(covered, noun)}, ${formatBytes(coveredBytes)}`
      : `${plural(all.length, noun)} of ${formatCount(covered + begun.length)} below ${rule.root} would go: ` +
        `${formatBytes(bytesOf(all))} of ${formatBytes(coveredBytes + bytesOf(begun))}`;
  return [
    head,
    ...all
      .slice(0, NAMED)
      .map(
        ({ path, bytes, modifiedMs }) =>
          `remove ${printable(path)} (${formatBytes(bytes)}, last written to ${shortDate(modifiedMs)})`,
      ),
    ...(all.length > NAMED ? [`and ${formatCount(all.length - NAMED)} more`] : []),
    ...(waiting > 0 ? [`${formatCount(waiting)} more wait for the next run: maxPerRun is ${rule.maxPerRun}`] : []),
    ...aside.slice(0, NAMED).map(({ path, obstacle }) => `leave ${printable(path)}: ${whyOf(obstacle)}`),
    ...(aside.length > NAMED ? [`leave ${formatCount(aside.length - NAMED)} more`] : []),
  ];
}

/** What a rule did. */
export interface Cleaned {
  readonly removed: readonly Candidate[];
  readonly left: readonly { readonly path: string; readonly fate: Fate }[];
  /** How many were not reached, since the run was stopped or so many were allowed. */
  readonly waiting: number;
  readonly isStopped: boolean;
  /** What everything takes that the rule covers, as far as it is left. */
  readonly remainingBytes: number;
}

/** What became of a rule. */
export function ruleOutcome(rule: CleaningRule, cleaned: Cleaned): Outcome {
  const { removed, left, waiting, isStopped } = cleaned;
  const odd = left.filter(({ fate }) => ODD.has(fate));
  const extras = { facts: factsOf(rule, cleaned), samples: samplesOf(rule, cleaned) };
  const noun = nounOf(rule);
  const summary = [
    removed.length === 0
      ? `no ${noun} below ${rule.root} had to go`
      : `${plural(removed.length, noun)} below ${rule.root} removed, ${formatBytes(bytesOf(removed))} freed`,
    ...(left.length > 0 ? [`${formatCount(left.length)} left, ${leftWords(left)}`] : []),
    ...(waiting > 0 ? [`${formatCount(waiting)} wait: ${isStopped ? 'it was stopped' : 'so many go in one run'}`] : []),
  ].join('; ');
  if (odd.length > 0)
    return warn(summary, [...odd.slice(0, 3).map(({ path }) => lookAt(rule.root, path)), RIGHTS], {
      ...extras,
      detail: 'clean.refused',
    });
  if (waiting > 0)
    return warn(summary, ['maint clean', `Raise maxPerRun of ${rule.name}.`], { ...extras, detail: 'clean.remaining' });
  return done(summary, extras);
}

const RIGHTS =
  'Give the user that runs maint the right to write to the folder that holds it, or take it out of the rule.';

function lookAt(root: string, path: string): string {
  return `ls -lad '${`${root}/${printable(path)}`.replaceAll(`'`, `'\\''`)}'`;
}

/** The most frequent reason in words, for the summary; the facts have all. */
function leftWords(left: Cleaned['left']): string {
  const counts = Object.entries(countsOf(left)).toSorted(([, a], [, b]) => b - a);
  return `${left.length > 1 ? 'most often ' : ''}since ${WORDS.get(counts[0]?.[0] ?? '') ?? ''}`;
}

const WORDS = new Map<string, string>(Object.entries(WHY));

function whyOf(obstacle: Fate): string {
  return WORDS.get(obstacle) ?? 'it is gone';
}

function countsOf(left: Cleaned['left']): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fate } of left) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

function factsOf(
  rule: CleaningRule,
  { removed, left, waiting, remainingBytes }: Cleaned,
): NonNullable<Outcome['facts']> {
  return {
    rule: rule.name,
    root: rule.root,
    removed: removed.length,
    files: removed.reduce((sum, { files }) => sum + files, 0),
    bytes: bytesOf(removed),
    oldest: oldestOf(removed),
    waiting,
    remainingBytes,
    left: countsOf(left),
    leftPaths: left.slice(0, NAMED).map(({ path, fate }) => ({ path: printable(path), why: whyOf(fate) })),
  };
}

function samplesOf({ name: subject }: CleaningRule, cleaned: Cleaned): NonNullable<Outcome['samples']> {
  return [
    { name: 'clean.freed', subject, value: bytesOf(cleaned.removed), unit: 'bytes' },
    { name: 'clean.remaining', subject, value: cleaned.remainingBytes, unit: 'bytes' },
  ];
}

function bytesOf(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { bytes }) => sum + bytes, 0);
}

function nounOf({ folders }: CleaningRule): string {
  return folders === undefined ? 'file' : 'folder';
}

function shortDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** When the oldest of them was last written to. */
function oldestOf(removed: readonly Candidate[]): string | null {
  const oldestMs = removed.reduce((ms, { modifiedMs }) => Math.min(ms, modifiedMs), Infinity);
  return Number.isFinite(oldestMs) ? new Date(oldestMs).toISOString() : null;
}
