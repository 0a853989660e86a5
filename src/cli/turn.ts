import { dirname, join } from 'node:path';
import { isDirectory, makePrivateDirectory } from '../adapters/directories.ts';
import { takeHostLock } from '../adapters/host-lock.ts';
import type { Session } from '../adapters/postgres.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';
import type { Journal } from '../engine/journal.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { Lease } from '../engine/lease.ts';
import { finishIn, lockDatabase, locked, lockedElsewhere, lostTo, SAME_SLOT, slotDone } from './turn-lease.ts';

/** What a run needs in order to be the only one at work. */
export interface TurnRequest {
  readonly stateDirectory: string;
  readonly journal: Journal;
  /** For the lease alone; undefined where the database is not to be used for coordination, or there is none. */
  readonly coordination: Session | undefined;
  readonly project: string;
  readonly host: string;
  readonly run: string;
  /** `project`: nothing else that changes something is at work. `job`: no other run of the same job is. */
  readonly scope: 'project' | 'job';
  /** Of the job, where it is one. */
  readonly job: string | undefined;
  /** The scheduled instant; undefined for a run by hand. */
  readonly slot: Date | undefined;
  /** Is the slot to be done although it is done already? */
  readonly isForced?: boolean;
  readonly onLost: () => void;
  /** How long to wait for another job to end; without it a busy lock is refused at once. */
  readonly patience?: Patience;
}

/** A wait with an end: the slot is not lost because another job takes long. */
interface Patience {
  readonly everyMs: number;
  readonly tries: number;
  readonly signal: AbortSignal;
  /** Told once, with what is waited for. */
  readonly onWait: (reason: string) => void;
}

/** The right to be at work, held until it is disposed. */
export interface Turn extends AsyncDisposable {
  /** How far this run is kept apart from others, where that is less than it could be. */
  readonly notices: readonly string[];
  readonly assumptions: readonly string[];
  /** Why the database could not be asked who else is at work; undefined where it could, or is not to be. */
  readonly uncoordinated: MaintError | undefined;
  /** Of the lease; undefined where there is none. */
  readonly fence: number | undefined;
  /** Who has taken the lease over meanwhile, in words; undefined where it is ours, there is none, or nobody can say. */
  lostTo(): Promise<string | undefined>;
  /**
   * Writes the result of the slot, and with it that it is done, so that nobody does it again.
   * @returns `lost` where another holds the lease: then nothing is written, for the slot is theirs; `here` where the
   *   database did not answer, so that only this host knows
   */
  finishSlot(at: Date, result: Verdict): Promise<Finished>;
}

/** Who knows that a slot is done. */
export type Finished = 'everywhere' | 'here' | 'lost';

/** What is to be said where other hosts could not be told. */
export const DONE_HERE_ONLY =
  'the database did not answer when the slot was to be marked as done; another host may run it once more';

/** What a run that has lost its lease says of its result; undefined where it has not. */
export function lostLease(fence: number | undefined, holder: string | undefined): string | undefined {
  if (fence === undefined || holder === undefined) return undefined;
  return `the lease was lost: fence ${fence} was taken over by ${holder}; this result does not count for the slot`;
}

/** The same where it came between the last look and the result. */
export const LOST_AT_THE_END =
  'the lease was lost before the result could be written, which does not count for the slot';

/** Is the same slot being done by another run? */
export function isAtWorkElsewhere({ detail }: MaintError): boolean {
  return detail === SAME_SLOT;
}

/**
 * Takes the host lock, then the lease in the database, and claims the slot in both places.
 * @throws MaintError LOCKED when another run is at work, SLOT_DONE when this slot was finished before, CANCELLED when the
 *   wait was stopped
 */
export async function takeTurn(request: TurnRequest): Promise<Turn> {
  const { patience } = request;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await tryTurn(request);
    } catch (error) {
      const isBusy = error instanceof MaintError && error.code === 'LOCKED' && !isAtWorkElsewhere(error);
      if (!isBusy || patience === undefined || attempt >= patience.tries) throw error;
      if (attempt === 0) patience.onWait(error.message);
      await pause(patience);
    }
  }
}

async function pause({ everyMs, signal }: Patience): Promise<void> {
  await wait(everyMs, signal);
  if (signal.aborted) throw new MaintError('CANCELLED', 'stopped while it waited for another run to end');
}

async function tryTurn(request: TurnRequest): Promise<Turn> {
  const { slot, job, journal, run } = request;
  const notices: string[] = [];
  const lock = lockHost(request, notices);
  let lease: Lease | undefined;
  const release = async (): Promise<void> => {
    await lease?.[Symbol.asyncDispose]();
    lock?.[Symbol.dispose]();
  };
  try {
    const claim = job === undefined || slot === undefined ? undefined : { job, slot };
    if (claim !== undefined && request.isForced === true) journal.reopenSlot(claim.job, claim.slot.toISOString());
    if (claim !== undefined && !journal.claimSlot(claim.job, claim.slot.toISOString(), run)) throw slotDone(claim);
    const locked = await lockDatabase(request, lock !== undefined);
    lease = locked.lease;
    if (claim !== undefined && request.isForced === true) await lease?.reopenSlot(claim.job, claim.slot);
    if (claim !== undefined && (await lease?.claimSlot(claim.job, claim.slot)) === false)
      throw (await lostTo(lease, request)) === undefined ? slotDone(claim) : lockedElsewhere(request);
    const { reason, unreachable } = locked;
    return {
      notices,
      assumptions: reason === undefined ? [] : [reason],
      uncoordinated: unreachable,
      fence: lease?.fence,
      lostTo: () => lostTo(lease, request),
      finishSlot: async (at, result) => {
        if (claim === undefined) return 'everywhere';
        const told = await finishIn(lease, claim.job, result);
        if (told !== 'lost') journal.finishSlot(claim.job, run, at.toISOString());
        return told;
      },
      [Symbol.asyncDispose]: release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** @returns undefined where this host has no way to lock; a notice says so */
function lockHost(request: TurnRequest, notices: string[]): Disposable | undefined {
  try {
    const lock = takeHostLock(lockDirectory(request));
    if (lock !== undefined) return lock;
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    notices.push(`${error.message}; two runs on this host are not kept apart`);
    return undefined;
  }
  throw busyHost(request);
}

function lockDirectory({ scope, job, stateDirectory }: TurnRequest): string {
  // Where the project's own folder cannot even be made, the one above keeps the runs apart.
  if (scope === 'project' || job === undefined)
    return isDirectory(stateDirectory) ? stateDirectory : dirname(stateDirectory);
  const directory = join(stateDirectory, 'jobs', job);
  makePrivateDirectory(directory);
  return directory;
}

/** Who holds the lock of this host; where that is a run of the same slot, there is nothing to wait for. */
function busyHost({ project, scope, job, slot, journal }: TurnRequest): MaintError {
  const claimed = job === undefined ? undefined : journal.claimedSlot(job);
  if (slot !== undefined && job !== undefined && claimed !== undefined && claimed.slot >= slot) {
    if (claimed.isFinished) return slotDone({ job, slot });
    return locked(`another run is at work on ${job} of ${slot.toISOString()}${atWork(journal)}`, SAME_SLOT);
  }
  return locked(`another run holds the lock of ${scope === 'job' ? job : project}${atWork(journal)}`);
}

/** The journal knows who began and did not end; of those only the newest can still be at work. */
function atWork(journal: Journal): string {
  const [newest] = journal.runs(1);
  if (newest === undefined || newest.finishedAt !== null) return '';
  return `: maint ${newest.command}, process ${newest.pid} on ${newest.host}, since ${newest.startedAt}`;
}
