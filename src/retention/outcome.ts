import { formatCount, formatDuration, plural } from '../base/units.ts';
import { done, fail, warn, type Facts, type Outcome } from '../engine/outcome.ts';
import type { Found, Subject } from './prepare.ts';
import type { Refusal } from './refusal.ts';
import { spreadOf, type Ending, type Tally } from './tally.ts';

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
export function sweptOutcome(subject: Subject, { doom, caveat }: Found, { tally, remaining }: Swept): Outcome {
  const { rows, ending } = tally;
  const extras = {
    facts: { ...factsOf(subject, doom.cutoff.at, { tally, remaining }), ...caveat?.facts },
    samples: samplesOf(subject, rows, remaining),
  };
  const summary = summaryOf(subject, { tally, remaining });
  const told = caveat?.warning === undefined ? summary : `${summary}; ${caveat.warning}`;
  if (ending !== 'finished' || remaining.rows > 0)
    return warn(told, [...whatToDo(subject, ending), ...(caveat?.remediation ?? [])], {
      ...extras,
      detail: 'prune.remaining',
    });
  if (caveat?.warning === undefined) return done(summary, extras);
  return warn(told, caveat.remediation, { ...extras, detail: 'prune.left' });
}

interface Swept {
  readonly tally: Tally;
  readonly remaining: Remaining;
}

function summaryOf({ noun, of, verb }: Subject, { tally, remaining }: Swept): string {
  const { rows, ending, batchMs, attributes } = tally;
  const things = `${plural(rows, noun)} of ${of} ${verb}`;
  const also = attributes > 0 ? ` with ${plural(attributes, 'attribute')}` : '';
  if (ending !== 'finished' || remaining.rows > 0) {
    const left = `${remaining.isCounted ? '' : 'about '}${formatCount(remaining.rows)}`;
    return `${things}${also}, ${left} remain: ${WHY[ending]}`;
  }
  if (rows === 0) return `no ${noun} of ${of}`;
  const batches = plural(batchMs.length, 'batch', 'batches');
  return `${things}${also} in ${batches}, longest ${formatDuration(spreadOf(batchMs).longestMs)}`;
}

const WHY: Readonly<Record<Ending, string>> = {
  finished: 'other sessions held them',
  stopped: 'it was stopped',
  locked: 'another session has locked the table',
  'max-time': 'its time was up',
  'max-rows': 'so many rows were allowed',
  'sessions waiting': 'other sessions waited for the table all the time',
  'replica lag': 'a replica stayed too far behind',
  'free space': 'the disk of the database stayed too full',
};

function whatToDo({ name }: Subject, ending: Ending): readonly string[] {
  const again = `maint prune --rule ${name}`;
  if (ending === 'max-time' || ending === 'max-rows') return [again, 'Raise `maxTime` and `maxRows`, or the pace.'];
  if (ending === 'replica lag') return ['SELECT application_name, state, replay_lsn FROM pg_stat_replication;', again];
  if (ending === 'free space') return ['df -h # on the host of the database', again];
  if (ending === 'stopped') return [again];
  return ["SELECT pid, state, query FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute';", again];
}

function factsOf({ name, table }: Subject, cutoff: string, { tally, remaining }: Swept): Facts {
  const { rows, attributes, ending, batchMs, pausedMs, lockTimeouts, skippedLocked } = tally;
  return {
    rule: name,
    table,
    cutoff,
    rows,
    ...(attributes > 0 && { attributes }),
    ending,
    remaining: remaining.rows,
    batches: batchMs.length,
    ...spreadOf(batchMs),
    pausedMs: { ...pausedMs },
    lockTimeouts,
    skippedLocked,
  };
}

function samplesOf({ trend: subject }: Subject, rows: number, remaining: Remaining): NonNullable<Outcome['samples']> {
  return [
    { name: 'prune.rows', subject, value: rows, unit: 'count' },
    ...(remaining.isCounted
      ? [{ name: 'prune.remaining', subject, value: remaining.rows, unit: 'count' as const }]
      : []),
  ];
}
