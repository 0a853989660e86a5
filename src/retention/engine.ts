import type { Database } from '../adapters/postgres.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import type { Memory } from '../engine/memory.ts';
import type { Action } from './action.ts';
import { takeRange, type BatchEnd } from './batches.ts';
import type { Doom } from './doomed.ts';
import { findCursor, openCursor } from './cursor-keeping.ts';
import { deservesCursor, type CursorKeeper, type Sweeping } from './cursor.ts';
import type { Gates } from './gates.ts';
import { sweepPartitions } from './partition-sweep.ts';
import { targetsOutside, type Partitions } from './partitions.ts';
import { fewerRows, nextLimit, nextRows, type Aim } from './pace.ts';
import { firstPosition, type Field, type Position, type Range } from './ranges.ts';
import type { Pace } from './settings.ts';
import { pausedIn, type Ending, type Tally } from './tally.ts';
import type { Target } from './target.ts';
import { mayBegin, rest } from './waiting.ts';

/** What all rules of a run have together. */
export interface Budget {
  /** No batch begins from this instant on; undefined without a limit. */
  readonly until: Date | undefined;
  /** No batch begins once none is left; undefined without a limit. */
  rowsLeft: number | undefined;
  /** Whether batches may begin at this time of day. */
  isOpen(at: Date): boolean;
}

/** How the rows of one rule are to go. */
export interface Sweep {
  readonly database: Database;
  readonly action: Action;
  readonly targets: readonly Target[];
  /** Those of them that go whole; undefined where none does. */
  readonly partitions: Partitions | undefined;
  /** How many rows each target is to lose, by oid, as far as that was counted. */
  readonly counted: ReadonlyMap<string, number>;
  readonly doom: Doom;
  /** By what an earlier run that did not come to its end is known again; undefined where each begins anew. */
  readonly sweeping?: Sweeping | undefined;
  /** Forget how far an earlier run came. */
  readonly isFresh?: boolean;
  /** Keeps how far this run came where the database does not. */
  readonly memory?: Memory | undefined;
  readonly pace: Pace;
  readonly lockTimeoutMs: number;
  readonly gates: Gates;
  /** How long closed gates are waited for, in milliseconds. */
  readonly patienceMs: number;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  now(): Date;
  /** Told how many rows are gone so far. */
  onRows(rows: number): void;
}

/**
 * Takes the rows of one rule, batch by batch. Each batch is a transaction of its own: whatever ends the sweep, what is
 * done stays done, and another sweep goes on with the rest.
 * @param tally counts while it goes on, so that it is right even after an error
 */
export async function sweep(request: Sweep, tally: Tally): Promise<void> {
  const { ms } = await timed(() => sweepTargets(request, tally));
  tally.elapsedMs += ms;
}

async function sweepTargets(request: Sweep, tally: Tally): Promise<void> {
  const canReadBlocks = (await request.database.server()).major >= 14;
  try {
    const ending = await sweepPartitions(request, tally);
    if (ending !== undefined && ending !== 'locked') return void (tally.ending = ending);
    for (const target of targetsOutside(request.partitions?.old ?? [], request.targets)) {
      const field = { database: request.database, target, doom: request.doom, canReadBlocks };
      // Even to look at the table has to wait its turn.
      const why = (await mayBegin(request, target, tally)) ?? (await sweepOn(request, field, tally));
      if (why !== undefined) return void (tally.ending = why);
    }
    if (ending !== undefined) tally.ending = ending;
  } catch (error) {
    tally.ending = endingBy(error, request);
  }
}

/** What an error means for the rule: a stop, or a table that someone else has locked. @throws the error if neither */
function endingBy(error: unknown, { signal }: Sweep): Ending {
  if (signal.aborted) return 'stopped';
  if (error instanceof MaintError && error.code === 'LOCK_TIMED_OUT') return 'locked';
  throw error;
}

/** Goes on where an earlier run was, by its cutoff, and then once more from the beginning: meanwhile more became old. */
async function sweepOn(request: Sweep, field: Field, tally: Tally): Promise<Ending | undefined> {
  const { sweeping, isFresh } = request;
  const { target, doom } = field;
  if (sweeping === undefined || !deservesCursor(target)) return sweepField({ request, field }, tally);
  const cursor = isFresh === true ? undefined : await findCursor(request, target, { sweeping, latest: doom.cutoff });
  if (cursor !== undefined) {
    const { cutoff, block: from } = cursor;
    const keeper = await openCursor(request, target, { sweeping, cutoff });
    const ending = await sweepField({ request, field: { ...field, doom: { ...doom, cutoff }, from }, keeper }, tally);
    if (ending !== undefined) return ending;
  }
  const keeper = await openCursor(request, target, { sweeping, cutoff: doom.cutoff });
  return sweepField({ request, field, keeper }, tally);
}

interface Walk {
  readonly request: Sweep;
  readonly field: Field;
  readonly keeper?: CursorKeeper | undefined;
}

/** @returns why it came to no end; undefined once the last range is done */
async function sweepField({ request, field, keeper }: Walk, tally: Tally): Promise<Ending | undefined> {
  const { target } = field;
  const { firstRows, maxLimit } = request.action;
  let position = await firstPosition(field);
  let size: Size = { rows: firstRows, limit: Math.min(firstRows, maxLimit) };
  while (position !== undefined) {
    const pausedMs = pausedIn(tally);
    const next = { request, target, position, keeper, ...size };
    const { value: batch, ms } = await timed(() => oneBatch(next, tally));
    if (typeof batch === 'string') return batch;
    ({ position } = batch);
    size = batch;
    // To look at gates and keys is work for the server too.
    const workedMs = Math.max(0, ms - (pausedIn(tally) - pausedMs));
    if (position !== undefined) await rest(request, { ms: workedMs, waiting: batch.waiting }, tally);
  }
  return undefined;
}

/** How much the next batch asks for. */
interface Size {
  /** About so many rows make a range. */
  readonly rows: number;
  /** So many of them at most are taken at once. */
  readonly limit: number;
}

interface Next extends Size {
  readonly request: Sweep;
  readonly target: Target;
  readonly position: Position;
  readonly keeper: CursorKeeper | undefined;
}

interface Taken extends Size, Pick<BatchEnd, 'ms' | 'waiting'> {
  /** Where the next batch begins. */
  readonly position: Position | undefined;
}

/** @returns why no batch may begin any more, or what became of it */
async function oneBatch(next: Next, tally: Tally): Promise<Ending | Taken> {
  return (await mayBegin(next.request, next.target, tally)) ?? takeBatch(next, tally);
}

async function takeBatch({ request, target, position, keeper, rows, limit }: Next, tally: Tally): Promise<Taken> {
  const { database, action, lockTimeoutMs, budget } = request;
  const asked = Math.min(rows, budget.rowsLeft ?? rows);
  const range: Range = await position(asked);
  const grip = { target, condition: range.condition, limit: Math.min(limit, budget.rowsLeft ?? limit) };
  try {
    const end = await takeRange({ database, action, ...grip, lockTimeoutMs, save: keeper?.save(range.block) }, tally);
    tally.rows += end.rows;
    countWal(end.walBytes, tally);
    if (budget.rowsLeft !== undefined) budget.rowsLeft -= end.rows;
    request.onRows(tally.rows);
    const { ms, waiting, isWhole } = end;
    const next = nextSize(action, { rows, limit }, { ...end, pace: request.pace, most: mostRows(request, tally) });
    return { ms, waiting, position: isWhole ? range.after : position, ...next };
  } catch (error) {
    const fewer = fewerRows(asked);
    if (!(error instanceof MaintError) || error.code !== 'STATEMENT_TIMED_OUT' || fewer === undefined) throw error;
    return { position, rows: fewer, limit: Math.min(limit, fewer), ms: 0, waiting: 0 };
  }
}

function countWal(walBytes: number | undefined, tally: Tally): void {
  if (tally.wal === undefined || walBytes === undefined) return;
  tally.batchWalBytes = walBytes - tally.wal.to;
  tally.wal = { ...tally.wal, to: walBytes };
}

/** At full pace, and where no replica has to follow, fewer and larger batches spare the server work. */
function mostRows({ action, pace }: Sweep, { replicas }: Tally): number {
  const { maxRows, maxRowsAlone = maxRows } = action;
  return pace === 'full' && replicas === 0 ? maxRowsAlone : maxRows;
}

function nextSize(
  { maxLimit }: Action,
  { rows, limit }: Size,
  { ms, waiting, pace, most, ...end }: BatchEnd & Required<Aim>,
): Size {
  return {
    rows: nextRows(waiting > 0 ? rows / 2 : rows, ms, { pace, most }),
    limit: Math.min(maxLimit, nextLimit(limit, { rows: end.rows, ms }, pace)),
  };
}
