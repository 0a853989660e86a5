import { dirname } from 'node:path';
import { isDirectory } from '../adapters/directories.ts';
import { takeHostLock } from '../adapters/host-lock.ts';
import type { Session } from '../adapters/postgres.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import type { Journal } from '../engine/journal.ts';
import { leaseHolder, takeLease, type Lease } from '../engine/lease.ts';
import type { Tier } from '../engine/task.ts';

/** What a run needs in order to be the only one at work. */
export interface TurnRequest {
  readonly stateDirectory: string;
  readonly journal: Journal;
  /** For the lease alone; undefined where the database is not to be used for coordination, or there is none. */
  readonly coordination: Session | undefined;
  readonly project: string;
  readonly host: string;
  readonly run: string;
  /** The scheduled instant; undefined for a run by hand. */
  readonly slot: { readonly tier: Tier; readonly at: Date } | undefined;
  readonly onLost: () => void;
}

/** The right to be at work, held until it is disposed. */
export interface Turn extends AsyncDisposable {
  /** How far this run is kept apart from others, where that is less than it could be. */
  readonly notices: readonly string[];
  readonly assumptions: readonly string[];
  /** Marks the slot as done, so that nobody does it again. */
  finishSlot(at: Date): Promise<void>;
}

/**
 * Takes the host lock, then the lease in the database, and claims the slot in both places.
 * @throws MaintError LOCKED when another run is at work, SLOT_DONE when this slot was finished before
 */
export async function takeTurn(request: TurnRequest): Promise<Turn> {
  const { slot, journal, run } = request;
  const notices: string[] = [];
  const lock = lockHost(request, notices);
  let lease: Lease | undefined;
  const release = async (): Promise<void> => {
    await lease?.[Symbol.asyncDispose]();
    lock?.[Symbol.dispose]();
  };
  try {
    if (slot !== undefined && !journal.claimSlot(slot.tier, slot.at.toISOString(), run)) throw slotDone(slot);
    const locked = await lockDatabase(request, lock !== undefined);
    lease = locked.lease;
    if (slot !== undefined && (await lease?.claimSlot(slot.tier, slot.at)) === false) throw slotDone(slot);
    const { reason } = locked;
    return {
      notices,
      assumptions: reason === undefined ? [] : [reason],
      finishSlot: async (at) => {
        if (slot === undefined) return;
        journal.finishSlot(slot.tier, slot.at.toISOString(), at.toISOString());
        await lease?.finishSlot(slot.tier, slot.at);
      },
      [Symbol.asyncDispose]: release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** @returns undefined where this host has no way to lock; a notice says so */
function lockHost({ stateDirectory, project, journal }: TurnRequest, notices: string[]): Disposable | undefined {
  try {
    // Where the project's own folder cannot even be made, the one above keeps the runs apart.
    const lock = takeHostLock(isDirectory(stateDirectory) ? stateDirectory : dirname(stateDirectory));
    if (lock !== undefined) return lock;
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    notices.push(`${error.message}; two runs on this host are not kept apart`);
    return undefined;
  }
  throw new MaintError('LOCKED', `another run holds the lock of ${project}${atWork(journal)}`);
}

/** The journal knows who began and did not end; of those only the newest can still be at work. */
function atWork(journal: Journal): string {
  const [newest] = journal.runs(1);
  if (newest === undefined || newest.finishedAt !== null) return '';
  return `: maint ${newest.command}, process ${newest.pid} on ${newest.host}, since ${newest.startedAt}`;
}

/** Without an answer from the database there is nobody to coordinate with, and its alerts are needed most. */
const GO_ON: ReadonlySet<ErrorCode> = new Set([
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
}

async function lockDatabase(request: TurnRequest, isAlone: boolean): Promise<DatabaseLock> {
  const { coordination: database, project, host, stateDirectory, run, onLost } = request;
  if (database === undefined) return {};
  // A holder that cannot prove itself alone on its host must not take over its own lease.
  const holder = `${host}:${stateDirectory}${isAlone ? '' : `#${run}`}`;
  try {
    if ((await database.server()).isStandby)
      return { reason: 'the database is a standby: kept apart on this host only' };
    const lease = await takeLease({ database, name: project, holder, run, onLost });
    if (lease !== undefined) return { lease };
    throw new MaintError('LOCKED', `another host is at work on ${project}: ${await leaseHolder(database, project)}`);
  } catch (error) {
    if (!(error instanceof MaintError) || error.code === 'LOCKED') throw error;
    if (GO_ON.has(error.code)) return {};
    if (error.code === 'PERMISSION_MISSING' || error.code === 'READ_ONLY')
      return { reason: 'the role may not keep the schema maint: runs are kept apart on this host only' };
    throw error;
  }
}

function slotDone({ tier, at }: NonNullable<TurnRequest['slot']>): MaintError {
  return new MaintError('SLOT_DONE', `the ${tier} run of ${at.toISOString()} is already done`);
}
