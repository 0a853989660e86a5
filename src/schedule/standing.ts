import { slotAfter, slotsBetween, type Cadence } from '../engine/cadence.ts';
import type { LedgerEntry } from '../engine/ledger.ts';

/** What happens to slots that nobody ran in time: the newest is made up for, none, or each. */
export const CATCH_UP = ['latest', 'none', 'all'] as const;

/** How missed slots are made up for. */
export interface CatchUpPolicy {
  readonly catchUp: (typeof CATCH_UP)[number];
  /** A slot older than this is given up. */
  readonly maxAgeMs: number;
}

/** Reasons of lines that nothing has to follow from here: the slot was done, or is being done, by another run or host. */
export const DONE_ELSEWHERE = 'already done by another run';
export const AT_WORK_ELSEWHERE = 'another run is at work on this very slot';

/** A run that is killed each time must not be begun for ever. */
const MOST_ATTEMPTS = 3;

/** What is known of one job. */
export interface JobFacts {
  readonly cadence: Cadence;
  /** Newest first. Those whose process is gone are `killed`, not `running`. */
  readonly entries: readonly LedgerEntry[];
  /** Since when the job is known with this schedule; undefined where nobody has noted that. */
  readonly knownSince: Date | undefined;
  /** How late a run may begin before its slot counts as missed: cron, a slow boot and a random delay all need some room. */
  readonly graceMs: number;
}

/** Where one job stands. */
export interface JobStanding {
  /** The newest run; undefined where there was none. */
  readonly last: LedgerEntry | undefined;
  readonly isRunning: boolean;
  readonly next: Date | undefined;
  /** Slots since the last run that nobody began, and that are too old to be merely late; oldest first. */
  readonly missed: readonly Date[];
  /** Slots since the last run that were to begin and could not, with the reason; oldest first. */
  readonly skipped: readonly { readonly slot: Date; readonly reason: string }[];
  /** Slots that should be run now, oldest first. */
  readonly due: readonly Date[];
  /** Slots that nobody will run any more, and that are not yet written down as missed. */
  readonly givenUp: readonly Date[];
}

/**
 * Says where a job stands. Pure. A job that was never seen before owes nothing from before.
 * @param policy undefined for a job that somebody else starts: then nothing is due
 */
export function standingOf(facts: JobFacts, policy: CatchUpPolicy | undefined, now: Date): JobStanding {
  const { cadence, entries, graceMs } = facts;
  const attempts = entries.filter(
    ({ status, reason }) => (status !== 'skipped' && status !== 'missed') || reason === DONE_ELSEWHERE,
  );
  const isRunning = attempts.some(({ status }) => status === 'running');
  const owed = isRunning ? [] : owedSlots(facts, attempts, now);
  const old = owed.filter((slot) => isOld(slot, now, graceMs));
  const skips = new Map(entries.filter(({ status }) => status === 'skipped').map(({ slot, reason }) => [slot, reason]));
  const open = owed.filter((slot) => !entries.some((entry) => entry.status === 'missed' && isOf(entry, slot)));
  const due = policy === undefined ? [] : dueSlots(open, { policy, attempts, now, graceMs });
  return {
    last: attempts.find(({ run }) => run !== null),
    isRunning,
    next: slotAfter(cadence, now),
    missed: old.filter((slot) => !skips.has(slot.toISOString())),
    skipped: owed.flatMap((slot) => {
      const reason = skips.get(slot.toISOString());
      return reason === undefined || reason === null || reason === AT_WORK_ELSEWHERE ? [] : [{ slot, reason }];
    }),
    due,
    givenUp: policy === undefined ? old : open.filter((slot) => !due.includes(slot)),
  };
}

/** Every slot since the newest run. A run that was killed leaves its slot owed. */
function owedSlots({ cadence, knownSince }: JobFacts, attempts: readonly LedgerEntry[], now: Date): readonly Date[] {
  const [last] = attempts;
  const reached = last === undefined ? undefined : new Date(last.slot ?? last.startedAt);
  const after = later(reached, knownSince);
  if (after === undefined) return [];
  const isUndone = last?.status === 'killed' && last.slot !== null;
  return [...(isUndone ? [new Date(last.slot)] : []), ...slotsBetween(cadence, after, now)];
}

interface DueRequest {
  readonly policy: CatchUpPolicy;
  readonly attempts: readonly LedgerEntry[];
  readonly now: Date;
  readonly graceMs: number;
}

function dueSlots(open: readonly Date[], { policy, attempts, now, graceMs }: DueRequest): readonly Date[] {
  const { catchUp, maxAgeMs } = policy;
  const wanted = open.filter((slot) => {
    if (isOld(slot, now, graceMs) && (catchUp === 'none' || now.getTime() - slot.getTime() > maxAgeMs)) return false;
    return attempts.filter((entry) => isOf(entry, slot)).length < MOST_ATTEMPTS;
  });
  return catchUp === 'all' ? wanted : wanted.slice(-1);
}

/** Is this slot too old to be merely late? */
export function isOld(slot: Date, now: Date, graceMs: number): boolean {
  return now.getTime() - slot.getTime() > graceMs;
}

function isOf(entry: LedgerEntry, slot: Date): boolean {
  return entry.slot !== null && Date.parse(entry.slot) === slot.getTime();
}

function later(one: Date | undefined, other: Date | undefined): Date | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}
