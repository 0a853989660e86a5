import { formatCount, formatDuration, plural } from '../base/units.ts';
import { done, fail, warn, type Facts, type Outcome } from '../engine/outcome.ts';
import type { Found } from './prepare.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import { spreadOf, type Ending, type Tally } from './tally.ts';

/** A rule that did not begin. */
export function refusedOutcome({ name }: Rule, refusals: readonly Refusal[]): Outcome {
  const [first] = refusals;
  const more = refusals.length > 1 ? ` (and ${plural(refusals.length - 1, 'more reason')})` : '';
  return fail(
    `nothing was deleted: ${first?.reason ?? ''}${more}`,
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
export function sweptOutcome(rule: Rule, { doom }: Found, { tally, remaining }: Swept): Outcome {
  const { rows, ending, batchMs } = tally;
  const extras = {
    facts: factsOf(rule, doom.cutoff.at, { tally, remaining }),
    samples: samplesOf(rule, rows, remaining),
  };
  const age = `${rule.table} older than ${rule.olderThan}`;
  if (ending === 'finished' && remaining.rows === 0) {
    if (rows === 0) return done(`no row of ${age}`, extras);
    const { longestMs } = spreadOf(batchMs);
    const batches = plural(batchMs.length, 'batch', 'batches');
    return done(`${plural(rows, 'row')} of ${age} deleted in ${batches}, longest ${formatDuration(longestMs)}`, extras);
  }
  const left = `${remaining.isCounted ? '' : 'about '}${formatCount(remaining.rows)}`;
  return warn(`${plural(rows, 'row')} of ${age} deleted, ${left} remain: ${WHY[ending]}`, whatToDo(rule, ending), {
    ...extras,
    detail: 'prune.remaining',
  });
}

interface Swept {
  readonly tally: Tally;
  readonly remaining: Remaining;
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

function whatToDo({ name }: Rule, ending: Ending): readonly string[] {
  const again = `maint prune --rule ${name}`;
  if (ending === 'max-time' || ending === 'max-rows') return [again, 'Raise `maxTime` and `maxRows`, or the pace.'];
  if (ending === 'replica lag') return ['SELECT application_name, state, replay_lsn FROM pg_stat_replication;', again];
  if (ending === 'free space') return ['df -h # on the host of the database', again];
  if (ending === 'stopped') return [again];
  return ["SELECT pid, state, query FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute';", again];
}

function factsOf({ name, table }: Rule, cutoff: string, { tally, remaining }: Swept): Facts {
  const { rows, ending, batchMs, pausedMs, lockTimeouts, skippedLocked } = tally;
  return {
    rule: name,
    table,
    cutoff,
    rows,
    ending,
    remaining: remaining.rows,
    batches: batchMs.length,
    ...spreadOf(batchMs),
    pausedMs: { ...pausedMs },
    lockTimeouts,
    skippedLocked,
  };
}

function samplesOf({ name }: Rule, rows: number, remaining: Remaining): NonNullable<Outcome['samples']> {
  return [
    { name: 'prune.rows', subject: name, value: rows, unit: 'count' },
    ...(remaining.isCounted
      ? [{ name: 'prune.remaining', subject: name, value: remaining.rows, unit: 'count' as const }]
      : []),
  ];
}
