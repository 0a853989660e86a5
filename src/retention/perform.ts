import { done, skip, warn, type Outcome } from '../engine/outcome.ts';
import type { StepContext } from '../engine/task.ts';
import { alone } from './alone.ts';
import { countLeft } from './count.ts';
import { sweep, type Budget } from './engine.ts';
import type { Gates } from './gates.ts';
import { refusedOutcome, sweptOutcome, type Remaining } from './outcome.ts';
import type { Found, Prepared, Subject } from './prepare.ts';
import type { Pace } from './settings.ts';
import { stillThere } from './still-there.ts';
import { emptyTally, type Tally } from './tally.ts';
import type { Touched } from './tidy.ts';
import { fallingBehind } from './trend.ts';

/** What all rules of a run have together. */
export interface Together {
  readonly pace: Pace;
  readonly lockTimeoutMs: number;
  readonly gates: Gates;
  /** How long closed gates are waited for, in milliseconds. */
  readonly patienceMs: number;
  readonly budget: Budget;
  /** Forget how far earlier runs came. */
  readonly isFresh: boolean;
  /** A person only wants to see how the server would go about it. */
  readonly isOnlyExplained: boolean;
  /** Filled while rules run. */
  readonly touched: Touched;
}

/** Does what a rule is for, or says why not. */
export async function performRule(prepared: Prepared, together: Together, context: StepContext): Promise<Outcome> {
  const { subject, refusals, found, idle } = prepared;
  if (idle !== undefined)
    return idle.remediation.length === 0
      ? skip(idle.reason)
      : warn(idle.reason, idle.remediation, { detail: 'prune.idle' });
  if (refusals.length > 0) return refusedOutcome(subject, refusals);
  if (found === undefined) return done(`${subject.table} has no partition yet`);
  return alone(context, async (signal) => {
    const now = await stillThere(context.database, found);
    return sweepRule({ subject, found: now }, together, { ...context, signal });
  });
}

interface Swept {
  readonly subject: Subject;
  readonly found: Found;
}

async function sweepRule({ subject, found }: Swept, together: Together, context: StepContext): Promise<Outcome> {
  const { database, signal } = context;
  const { action, targets, doom, counts } = found;
  await action.begin?.(database);
  const tally = emptyTally();
  if (counts.isExact && counts.doomed === 0 && found.partitions === undefined)
    return sweptOutcome(subject, found, { tally, remaining: { rows: 0, isCounted: true }, behind: undefined });
  const { fingerprint } = found;
  await sweep(
    {
      ...together,
      sweeping: fingerprint === undefined ? undefined : { trend: subject.trend, fingerprint },
      database,
      memory: context.memory,
      action,
      targets,
      partitions: found.partitions,
      counted: counts.perTarget,
      doom,
      signal,
      now: () => context.now(),
      onRows: (rows) => context.progress({ done: rows, total: counts.doomed, unit: 'rows' }),
    },
    tally,
  );
  if (tally.rows > 0) for (const oid of oidsOf(found)) together.touched.add(oid);
  context.log.info({ rule: subject.name, rows: tally.rows, batches: tally.batchMs.length }, 'rule ended');
  const remaining = await remainingOf(found, context, tally);
  const past = { history: context.history, now: context.now() };
  const behind = isLimited(tally) ? fallingBehind(remaining.rows, subject.trend, past) : undefined;
  return sweptOutcome(subject, found, { tally, remaining, behind });
}

/** Whether more would have gone, had it been let. */
function isLimited({ ending }: Tally): boolean {
  return ending !== 'finished' && ending !== 'stopped' && ending !== 'locked';
}

/** Every table that may have lost rows. */
function oidsOf({ targets, companions }: Found): readonly string[] {
  return [...targets.map(({ oid }) => oid), ...companions];
}

/** A sweep that met nobody has been everywhere; only after another has it to be counted what is left. */
async function remainingOf(
  { counts, targets, doom }: Found,
  { database, signal }: StepContext,
  tally: Tally,
): Promise<Remaining> {
  const { ending, rows, lockTimeouts } = tally;
  if (signal.aborted || ending === 'locked') return { rows: Math.max(0, counts.doomed - rows), isCounted: false };
  if (ending === 'finished' && lockTimeouts === 0) return { rows: 0, isCounted: true };
  const left = targets.filter(({ oid }) => !tally.gone.has(oid));
  return { rows: await countLeft(database, left, doom), isCounted: true };
}
