import type { Session } from '../adapters/postgres.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import { claimedSlot, leaseHolder, takeLease, type Lease } from '../engine/lease.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { Finished, TurnRequest } from './turn.ts';

/** The lock is held by a run that does the very same slot. */
export const SAME_SLOT = 'lock.same_slot';

/** Who holds the lease now, where it is not ours any more. That the database does not answer proves nothing. */
export async function lostTo(
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
export async function finishIn(lease: Lease | undefined, job: string, result: Verdict): Promise<Finished> {
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

/** The refusal of a run whose lease went to another host between taking it and claiming the slot. */
export function lockedElsewhere(request: TurnRequest): MaintError {
  return locked(`another host has taken the lease of ${leaseName(request)} over before the work began`);
}

/** The refusal of a run while another one is at work. */
export function locked(message: string, detail?: string): MaintError {
  return new MaintError('LOCKED', message, detail === undefined ? {} : { detail });
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

/**
 * Takes the lease, where the database is to be used for coordination and answers.
 * @throws MaintError LOCKED when another host is at work, SLOT_DONE when it has done this slot
 */
export async function lockDatabase(request: TurnRequest, isAlone: boolean): Promise<DatabaseLock> {
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

/** The refusal of a run whose slot was finished before. */
export function slotDone({ job, slot }: { readonly job: string; readonly slot: Date }): MaintError {
  return new MaintError('SLOT_DONE', `the ${job} run of ${slot.toISOString()} is already done`);
}
