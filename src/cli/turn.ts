import { dirname, join } from 'node:path';
import { isDirectory, makePrivateDirectory } from '../adapters/directories.ts';
import { takeHostLock } from '../adapters/host-lock.ts';
import type { Session } from '../adapters/postgres.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import type { Journal } from '../engine/journal.ts';
import type { Verdict } from '../engine/verdict.ts';
import { claimedSlot, leaseHolder, takeLease, type Lease } from '../engine/lease.ts';

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
type Finished = 'everywhere' | 'here' | 'lost';

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

/** The lock is held by a run that does the very same slot. */
const SAME_SLOT = 'lock.same_slot';

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

/** Who holds the lease now, where it is not ours any more. That the database does not answer proves nothing. */
async function lostTo(
  lease: Lease | undefined,
  { coordination, ...request }: TurnRequest,
): Promise<string | undefined> {
  if (lease === undefined || coordination === undefined) return undefined;
  try {
    return (await lease.isHeld()) ? undefined : await leaseHolder(coordination, leaseName(request));
  } catch (error) {
    if (error instanceof MaintError) return undefined;
    throw error;
  }
}

/** The work is done whether or not the database can be told so. */
async function finishIn(lease: Lease | undefined, job: string, result: Verdict): Promise<Finished> {
  try {
    return (await lease?.finishSlot(job, result)) === false ? 'lost' : 'everywhere';
  } catch (error) {
    if (error instanceof MaintError) return 'here';
    throw error;
  }
}

/** A command under `exec` has a lease of its own, everything else shares that of the project. */
function leaseName({ project, scope, job }: Pick<TurnRequest, 'project' | 'scope' | 'job'>): string {
  return scope === 'job' && job !== undefined ? `${project}/${job}` : project;
}

function lockedElsewhere(request: TurnRequest): MaintError {
  return locked(`another host has taken the lease of ${leaseName(request)} over before the work began`);
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

function locked(message: string, detail?: string): MaintError {
  return new MaintError('LOCKED', message, detail === undefined ? {} : { detail });
}

/** The journal knows who began and did not end; of those only the newest can still be at work. */
function atWork(journal: Journal): string {
  const [newest] = journal.runs(1);
  if (newest === undefined || newest.finishedAt !== null) return '';
  return `: maint ${newest.command}, process ${newest.pid} on ${newest.host}, since ${newest.startedAt}`;
}

/** Without an answer from the database there is nobody to coordinate with, and its alerts are needed most. */
const UNREACHABLE: ReadonlySet<ErrorCode> = new Set([
  'DATABASE_UNREACHABLE',
  'DATABASE_LOGIN_REFUSED',
  'DATABASE_NOT_FOUND',
  'DATABASE_BUSY',
  'CONNECTION_LOST',
  'STATEMENT_TIMED_OUT',
  'LOCK_TIMED_OUT',
]);

interface DatabaseLock {
  readonly lease?: Lease;
  /** Why there is no lease, for the head of the report. */
  readonly reason?: string;
  readonly unreachable?: MaintError;
}

async function lockDatabase(request: TurnRequest, isAlone: boolean): Promise<DatabaseLock> {
  const { coordination: database, host, stateDirectory, run, onLost } = request;
  if (database === undefined) return {};
  // A holder that cannot prove itself alone on its host must not take over its own lease.
  const holder = `${host}:${stateDirectory}${isAlone ? '' : `#${run}`}`;
  const name = leaseName(request);
  try {
    if ((await database.server()).isStandby)
      return { reason: 'the database is a standby: kept apart on this host only' };
    const lease = await takeLease({ database, name, holder, run, onLost });
    if (lease !== undefined) return { lease };
    throw await busyElsewhere(database, name, request);
  } catch (error) {
    if (!(error instanceof MaintError) || error.code === 'LOCKED' || error.code === 'SLOT_DONE') throw error;
    if (UNREACHABLE.has(error.code)) return { unreachable: error };
    if (error.code === 'PERMISSION_MISSING' || error.code === 'READ_ONLY')
      return { reason: 'the role may not keep the schema maint: runs are kept apart on this host only' };
    throw error;
  }
}

/** Which other host is at work; where it does the same slot, there is nothing to wait for. */
async function busyElsewhere(database: Session, name: string, { job, slot }: TurnRequest): Promise<MaintError> {
  const holder = await leaseHolder(database, name);
  if (job === undefined || slot === undefined) return locked(`another host is at work on ${name}: ${holder}`);
  const claimed = await claimedSlot(database, name, job);
  if (claimed === undefined || claimed.slot < slot) return locked(`another host is at work on ${name}: ${holder}`);
  if (claimed.isFinished) return slotDone({ job, slot });
  return locked(`another host is at work on ${job} of ${slot.toISOString()}: ${holder}`, SAME_SLOT);
}

function slotDone({ job, slot }: { readonly job: string; readonly slot: Date }): MaintError {
  return new MaintError('SLOT_DONE', `the ${job} run of ${slot.toISOString()} is already done`);
}
