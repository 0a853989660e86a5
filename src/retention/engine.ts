import type { Database } from '../adapters/postgres.ts';
import { timed } from '../adapters/stopwatch.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';
import type { Action } from './action.ts';
import { takeRange, type BatchEnd } from './batches.ts';
import type { Doom } from './doomed.ts';
import { closedGates, type GateName, type Gates } from './gates.ts';
import { targetsOutside, type OldPartition, type Partitions } from './partitions.ts';
import { fewerRows, nextLimit, nextRows, restMs } from './pace.ts';
import { takePartition } from './leave.ts';
import { firstPosition, type Field, type Position, type Range } from './ranges.ts';
import type { Pace } from './settings.ts';
import type { Ending, Tally } from './tally.ts';
import type { Target } from './target.ts';

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

/** How long to wait before a closed gate is looked at again. */
const LOOK_AGAIN_MS = 500;

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
      const why = (await mayBegin(request, target, tally)) ?? (await sweepField({ request, field }, tally));
      if (why !== undefined) return void (tally.ending = why);
    }
    if (ending !== undefined) tally.ending = ending;
  } catch (error) {
    tally.ending = endingBy(error, request);
  }
}

/** Takes the partitions that go whole. @returns why one stayed, or why none may begin any more */
async function sweepPartitions(request: Sweep, tally: Tally): Promise<Ending | undefined> {
  for (const partition of request.partitions?.old ?? []) {
    const why = await mayBegin(request, partition, tally);
    if (why !== undefined) return why;
    // While one is about to leave PostgreSQL lets no other begin to.
    if (!(await sweepPartition(request, partition, tally))) return 'locked';
  }
  return undefined;
}

async function sweepPartition(request: Sweep, partition: OldPartition, tally: Tally): Promise<boolean> {
  const { partitions, budget } = request;
  if (partitions === undefined) return true;
  const { value: isGone, ms } = await timed(() => takePartition({ ...request, partitions, partition }));
  if (!isGone) {
    tally.lockTimeouts += 1;
    return false;
  }
  if (partition.state === 'kept') return true;
  const rows = partition.leaves.reduce((sum, oid) => sum + (request.counted.get(oid) ?? 0), 0);
  tally.partitions.push(partition.name);
  for (const oid of partition.leaves) tally.gone.add(oid);
  tally.rows += rows;
  if (budget.rowsLeft !== undefined) budget.rowsLeft -= rows;
  request.onRows(tally.rows);
  await rest(request, { ms, waiting: 0 }, tally);
  return true;
}

/** What an error means for the rule: a stop, or a table that someone else has locked. @throws the error if neither */
function endingBy(error: unknown, { signal }: Sweep): Ending {
  if (signal.aborted) return 'stopped';
  if (error instanceof MaintError && error.code === 'LOCK_TIMED_OUT') return 'locked';
  throw error;
}

/** @returns why it came to no end; undefined once the last range is done */
async function sweepField(
  { request, field }: { readonly request: Sweep; readonly field: Field },
  tally: Tally,
): Promise<Ending | undefined> {
  const { target } = field;
  const { firstRows, maxLimit } = request.action;
  let position = await firstPosition(field);
  let size: Size = { rows: firstRows, limit: Math.min(firstRows, maxLimit) };
  while (position !== undefined) {
    const ending = await mayBegin(request, target, tally);
    if (ending !== undefined) return ending;
    const batch = await takeBatch({ request, target, position, ...size }, tally);
    ({ position } = batch);
    size = batch;
    if (position !== undefined) await rest(request, batch, tally);
  }
  return undefined;
}

/** Waits until a batch may begin. @returns why none may any more */
async function mayBegin(request: Sweep, target: Pick<Target, 'oid'>, tally: Tally): Promise<Ending | undefined> {
  return endingOf(request) ?? passGates(request, target, tally);
}

function endingOf(request: Sweep): Ending | undefined {
  const { signal, budget } = request;
  if (signal.aborted) return 'stopped';
  if (budget.rowsLeft !== undefined && budget.rowsLeft <= 0) return 'max-rows';
  const now = request.now();
  if (budget.until !== undefined && now >= budget.until) return 'max-time';
  if (!budget.isOpen(now)) return 'window';
  return undefined;
}

/** Waits until all gates are open. @returns why to give up, where they stay closed */
async function passGates(request: Sweep, { oid }: Pick<Target, 'oid'>, tally: Tally): Promise<Ending | undefined> {
  let closed: ReadonlySet<GateName> = new Set();
  let waitedMs = 0;
  for (;;) {
    const readings = await request.gates.read(request.database, oid);
    tally.wal ??= { from: readings.walBytes, to: readings.walBytes };
    closed = closedGates(readings, closed, request.gates.marks);
    const [first] = closed;
    if (first === undefined) return undefined;
    const ending = endingOf(request) ?? (waitedMs >= request.patienceMs ? first : undefined);
    if (ending !== undefined) return ending;
    waitedMs += await pause(LOOK_AGAIN_MS, { request, tally, reasons: [...closed] });
  }
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
}

interface Taken extends Size, Pick<BatchEnd, 'ms' | 'waiting'> {
  /** Where the next batch begins. */
  readonly position: Position | undefined;
}

async function takeBatch({ request, target, position, rows, limit }: Next, tally: Tally): Promise<Taken> {
  const { database, action, lockTimeoutMs, budget } = request;
  const asked = Math.min(rows, budget.rowsLeft ?? rows);
  const range: Range = await position(asked);
  const grip = { target, condition: range.condition, limit: Math.min(limit, budget.rowsLeft ?? limit) };
  try {
    const end = await takeRange({ database, action, ...grip, lockTimeoutMs }, tally);
    tally.rows += end.rows;
    if (tally.wal !== undefined && end.walBytes !== undefined) tally.wal = { ...tally.wal, to: end.walBytes };
    if (budget.rowsLeft !== undefined) budget.rowsLeft -= end.rows;
    request.onRows(tally.rows);
    const { ms, waiting, isWhole } = end;
    return { ms, waiting, position: isWhole ? range.after : position, ...nextSize(action, { rows, limit }, end) };
  } catch (error) {
    const fewer = fewerRows(asked);
    if (!(error instanceof MaintError) || error.code !== 'STATEMENT_TIMED_OUT' || fewer === undefined) throw error;
    return { position, rows: fewer, limit: Math.min(limit, fewer), ms: 0, waiting: 0 };
  }
}

function nextSize({ maxRows, maxLimit }: Action, { rows, limit }: Size, { ms, waiting, ...end }: BatchEnd): Size {
  return {
    rows: Math.min(maxRows, nextRows(waiting > 0 ? rows / 2 : rows, ms)),
    limit: Math.min(maxLimit, nextLimit(limit, { rows: end.rows, ms })),
  };
}

async function rest(request: Sweep, { ms, waiting }: Pick<Taken, 'ms' | 'waiting'>, tally: Tally): Promise<void> {
  const restingMs = restMs(ms, request.pace);
  if (waiting > 0) await pause(Math.max(restingMs, ms), { request, tally, reasons: ['sessions blocked by us'] });
  else if (restingMs > 0) await pause(restingMs, { request, tally, reasons: ['pace'] });
}

interface Pause {
  readonly request: Sweep;
  readonly tally: Tally;
  readonly reasons: readonly (keyof Tally['pausedMs'])[];
}

async function pause(ms: number, { request, tally, reasons }: Pause): Promise<number> {
  const { ms: waitedMs } = await timed(() => wait(ms, request.signal));
  for (const reason of reasons) tally.pausedMs[reason] = (tally.pausedMs[reason] ?? 0) + waitedMs;
  return waitedMs;
}
