import { MaintError, type ErrorCode } from '../base/errors.ts';
import { formatCount } from '../base/units.ts';
import { skip } from '../engine/outcome.ts';
import type { Step } from '../engine/task.ts';
import { findCursor } from './cursor-keeping.ts';
import { deservesCursor, type Places } from './cursor.ts';
import { explained } from './explain.ts';
import { overlapLines, type Before } from './overlap.ts';
import { targetsOutside } from './partitions.ts';
import { performRule, type Together } from './perform.ts';
import { intentOf, type Found, type Prepared, type Subject } from './prepare.ts';
import { strategyOf } from './ranges.ts';
import type { Target } from './target.ts';
import { expectedTime, type Past } from './trend.ts';

/** A rule that was looked at, or about which something could not be found out. */
export type Planned = { readonly title: string } & (
  | {
      readonly prepared: Prepared;
      /** What else a dry run should show. */
      readonly notes?: readonly string[];
    }
  | { readonly error: MaintError }
);

/** What keeps one rule from being looked at says nothing about the next. */
const RULE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'PERMISSION_MISSING',
  'STATEMENT_FAILED',
  'STATEMENT_TIMED_OUT',
  'LOCK_TIMED_OUT',
]);

/** Looks at a rule. @throws MaintError for what concerns every rule, such as a lost connection */
export async function planned(title: string, look: () => Promise<Prepared>): Promise<Planned> {
  try {
    return { title, prepared: await look() };
  } catch (error) {
    if (error instanceof MaintError && RULE_ERRORS.has(error.code)) return { title, error };
    throw error;
  }
}

/** Makes the step of a rule. */
export function stepOf(one: Planned, together: Together): Step {
  const { title } = one;
  if ('error' in one) {
    const { error } = one;
    return { title, intent: [`not clear: ${error.message}`], perform: () => Promise.reject(error) };
  }
  const { prepared, notes = [] } = one;
  return {
    title,
    intent: [...intentOf(prepared), ...notes],
    perform: async (context) =>
      together.isOnlyExplained
        ? skip('nothing was touched, for --explain only looks: see it with --dry-run')
        : performRule(prepared, together, context),
  };
}

/** Adds to a rule that has something to do how long it should take, what it waits for, and how the server goes about it. */
export async function withNotes(one: Planned, noting: Noting): Promise<Planned> {
  const { database, past, gates, isOnlyExplained, isFresh, before } = noting;
  if ('error' in one || one.prepared.found === undefined || one.prepared.found.counts.doomed === 0) return one;
  const { subject, found } = one.prepared;
  const { major } = await database.server();
  const notes = [
    ...strategies(targetsOutside(found.partitions?.old ?? [], found.targets), major >= 14),
    ...(await overlapLines(database, found, before)),
    ...(isFresh ? [] : await resumeLines(noting, found, subject)),
    expectedTime(found.counts.doomed, subject.trend, past),
    gates.words,
  ];
  return { ...one, notes: isOnlyExplained ? [...notes, ...(await explained(database, one.prepared))] : notes };
}

interface Noting extends Pick<Together, 'gates' | 'isOnlyExplained' | 'isFresh'>, Places {
  readonly past: Past;
  readonly before: readonly Before[];
}

/** How the tables of a rule are walked. */
function strategies(targets: readonly Target[], canReadBlocks: boolean): readonly string[] {
  const groups = Map.groupBy(targets, (target) => strategyOf(target, canReadBlocks));
  return [...groups].map(([strategy, members]) => {
    const [first] = members;
    const others = members.length > 1 ? ` and ${members.length - 1} more` : '';
    return `${first?.name ?? ''}${others}: ${strategy}`;
  });
}

/** Tables in which a run would go on where an earlier one was. */
async function resumeLines(places: Places, found: Found, { trend }: Subject): Promise<readonly string[]> {
  const { fingerprint, targets, doom } = found;
  const lines: string[] = [];
  if (fingerprint === undefined) return lines;
  for (const target of targets.filter(deservesCursor)) {
    const cursor = await findCursor(places, target, { sweeping: { trend, fingerprint }, latest: doom.cutoff });
    if (cursor === undefined) continue;
    const place = `block ${formatCount(cursor.block)} of ${formatCount(target.blocks)}`;
    lines.push(
      `${target.name}: goes on at ${place}, by the cutoff that it began with, ${cursor.cutoff.at}; --fresh forgets it`,
    );
  }
  return lines;
}

/** A rule as later ones see it; none where it will take nothing. */
export function beforeOf(one: Planned): readonly Before[] {
  if ('error' in one || one.prepared.found === undefined || one.prepared.refusals.length > 0) return [];
  const { found, subject } = one.prepared;
  // What is marked or stripped is still there.
  return subject.verb === 'deleted' || subject.verb === 'archived' ? [{ ...found, name: subject.name }] : [];
}
