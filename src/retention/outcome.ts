import { formatCount, formatDuration, plural } from '../base/units.ts';
import { done, fail, warn, type Facts, type Outcome } from '../engine/outcome.ts';
import type { Found, Subject } from './prepare.ts';
import type { Refusal } from './refusal.ts';
import { spreadOf, type Ending, type Tally } from './tally.ts';
import { RATE, REMAINING, type Behind } from './trend.ts';

/** A rule that did not begin. */
export function refusedOutcome({ name, verb }: Subject, refusals: readonly Refusal[]): Outcome {
  const [first] = refusals;
  const more = refusals.length > 1 ? ` (and ${plural(refusals.length - 1, 'more reason')})` : '';
  return fail(
    `nothing was ${verb}: ${first?.reason ?? ''}${more}`,
    [...refusals.flatMap(({ remediation }) => remediation), `maint prune --rule ${name} --dry-run`],
    {
      facts: { rule: name, refusals: refusals.map(({ detail, reason }) => ({ detail, reason })) },
      ...(first !== undefined && { detail: first.detail }),
    },
  );
}

/** What is left after a rule was done. */
export interface Remaining {
  readonly rows: number;
  /** False where nobody could count any more: then it is what was found at first less what is gone. */
  readonly isCounted: boolean;
}

/** What became of a rule. */
export function sweptOutcome(subject: Subject, { doom, caveat }: Found, swept: Swept): Outcome {
  const { tally, remaining, behind } = swept;
  const { ending } = tally;
  const extras = {
    facts: { ...factsOf(subject, doom.cutoff.at, swept), ...caveat?.facts },
    samples: samplesOf(subject, swept),
  };
  const summary = summaryOf(subject, swept);
  const told = caveat?.warning === undefined ? summary : `${summary}; ${caveat.warning}`;
  if (ending !== 'finished' || remaining.rows > 0)
    return warn(told, [...whatToDo(subject, swept), ...(caveat?.remediation ?? [])], {
      ...extras,
      detail: behind === undefined ? 'prune.remaining' : 'prune.behind',
    });
  if (caveat?.warning === undefined) return done(summary, extras);
  return warn(told, caveat.remediation, { ...extras, detail: 'prune.left' });
}

interface Swept {
  readonly tally: Tally;
  readonly remaining: Remaining;
  /** Undefined where it keeps pace with what becomes old. */
  readonly behind: Behind | undefined;
}

function summaryOf(
  { noun, of, verb, along = ['attribute', 'attributes'] }: Subject,
  { tally, remaining, behind }: Swept,
): string {
  const { rows, ending, batchMs, attributes } = tally;
  const whole = tally.partitions.length > 0 ? `, ${plural(tally.partitions.length, 'partition')} of them whole` : '';
  const things = `${plural(rows, noun)} of ${of} ${verb}${whole}`;
  const also = attributes > 0 ? ` with ${plural(attributes, ...along)}` : '';
  if (ending !== 'finished' || remaining.rows > 0) {
    const left = `${remaining.isCounted ? '' : 'about '}${formatCount(remaining.rows)}`;
    const trend = behind && `; it falls behind: ${formatCount(behind.before)} remained ${behind.runs - 1} runs ago`;
    return `${things}${also}, ${left} remain: ${WHY[ending]}${trend ?? ''}`;
  }
  if (rows === 0 && tally.partitions.length === 0) return `no ${noun} of ${of}`;
  const batches = plural(batchMs.length, 'batch', 'batches');
  return `${things}${also} in ${batches}, longest ${formatDuration(spreadOf(batchMs).longestMs)}`;
}

const WHY: Readonly<Record<Ending, string>> = {
  finished: 'other sessions held them',
  stopped: 'it was stopped',
  locked: 'another session has locked the table',
  'max-time': 'its time was up',
  'max-rows': 'so many rows were allowed',
  window: 'it was outside of its time of day',
  'sessions waiting': 'other sessions waited for the table all the time',
  'replica lag': 'a replica stayed too far behind',
  'replication slots': 'a replication slot held back too much WAL',
  load: 'too many sessions were at work',
  'wraparound vacuum': 'the server vacuumed the table lest its transaction ids run out',
  'free space': 'the disk of the database stayed too full',
};

const LONG = "SELECT pid, state, query FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute';";

/** Where to look for what stood in the way. */
const LOOK: Readonly<Record<Ending, readonly string[]>> = {
  finished: [LONG],
  stopped: [],
  locked: [LONG],
  'max-time': ['Raise `maxTime`, or the pace.'],
  'max-rows': ['Raise `maxRows`.'],
  window: ['Widen `window`, or let it begin within it.'],
  'sessions waiting': [LONG],
  'replica lag': ['SELECT application_name, state, replay_lsn FROM pg_stat_replication;'],
  'replication slots': [
    'SELECT slot_name, active, restart_lsn FROM pg_replication_slots; -- drop those that nobody reads any more',
  ],
  load: ["SELECT pid, usename, query FROM pg_stat_activity WHERE state = 'active';"],
  'wraparound vacuum': ['SELECT pid, relid::regclass, phase FROM pg_stat_progress_vacuum;'],
  'free space': ['df -h # on the host of the database'],
};

const FASTER = 'Let it run more often or longer, at a higher pace, or at a quieter time: more rows become old than go.';

function whatToDo({ name }: Subject, { tally: { ending }, behind }: Swept): readonly string[] {
  return [...LOOK[ending], `maint prune --rule ${name}`, ...(behind === undefined ? [] : [FASTER])];
}

function factsOf({ name, table }: Subject, cutoff: string, { tally, remaining, behind }: Swept): Facts {
  const { rows, attributes, ending, batchMs, pausedMs, lockTimeouts, lockedSkipped, elapsedMs, wal, partitions } =
    tally;
  return {
    rule: name,
    table,
    cutoff,
    rows,
    ...(attributes > 0 && { attributes }),
    ending,
    ...(partitions.length > 0 && { partitions: [...partitions] }),
    remaining: remaining.rows,
    batches: batchMs.length,
    ...spreadOf(batchMs),
    pausedMs: { ...pausedMs },
    elapsedMs,
    rowsPerSecond: rateOf(tally),
    ...(wal !== undefined && { walBytes: wal.to - wal.from }),
    lockTimeouts,
    lockedSkipped,
    keepsPace: behind === undefined,
  };
}

/** Rows a second, with all pauses. */
function rateOf({ rows, elapsedMs }: Tally): number {
  return elapsedMs === 0 ? 0 : (rows / elapsedMs) * 1_000;
}

function samplesOf({ trend: subject }: Subject, { tally, remaining }: Swept): NonNullable<Outcome['samples']> {
  const unit = 'count' as const;
  return [
    { name: 'prune.rows', subject, value: tally.rows, unit },
    ...(tally.rows > 0 ? [{ name: RATE, subject, value: rateOf(tally), unit }] : []),
    ...(remaining.isCounted ? [{ name: REMAINING, subject, value: remaining.rows, unit }] : []),
  ];
}
