import type { Database } from '../adapters/postgres.ts';
import { timed } from '../adapters/stopwatch.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';
import { deleteRange, type BatchEnd } from './batches.ts';
import type { Doom } from './doomed.ts';
import { closedGates, type GateName, type ReadGates } from './gates.ts';
import { fewerRows, FIRST_ROWS, nextRows, restMs } from './pace.ts';
import { firstPosition, type Field, type Position, type Range } from './ranges.ts';
import type { GateLimits, Pace } from './settings.ts';
import type { Ending, Tally } from './tally.ts';
import type { Target } from './target.ts';

/** What all rules of a run have together. */
export interface Budget {
  /** No batch begins from this instant on; undefined without a limit. */
  readonly until: Date | undefined;
  /** No batch begins once none is left; undefined without a limit. */
  rowsLeft: number | undefined;
}

/** How the rows of one rule are to go. */
export interface Sweep {
  readonly database: Database;
  readonly targets: readonly Target[];
  readonly doom: Doom;
  readonly pace: Pace;
  readonly lockTimeoutMs: number;
  readonly gates: GateLimits;
  readonly readGates: ReadGates;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  now(): Date;
  /** Told how many rows are gone so far. */
  onRows(rows: number): void;
}

/** How long to wait before a closed gate is looked at again. */
const LOOK_AGAIN_MS = 500;

/**
 * Deletes the rows of one rule, batch by batch. Each batch is a transaction of its own: whatever ends the sweep, what
 * was deleted stays deleted, and another sweep goes on with the rest.
 * @param tally counts while it goes on, so that it is right even after an error
 */
export async function sweep(request: Sweep, tally: Tally): Promise<void> {
  const canReadBlocks = (await request.database.server()).major >= 14;
  try {
    for (const target of request.targets) {
      const field = { database: request.database, target, doom: request.doom, canReadBlocks };
      // Even to look at the table has to wait its turn.
      const ending = (await mayBegin(request, target, tally)) ?? (await sweepField({ request, field }, tally));
      if (ending !== undefined) return void (tally.ending = ending);
    }
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

/** @returns why it came to no end; undefined once the last range is done */
async function sweepField(
  { request, field }: { readonly request: Sweep; readonly field: Field },
  tally: Tally,
): Promise<Ending | undefined> {
  const { target } = field;
  let position = await firstPosition(field);
  let rows = FIRST_ROWS;
  while (position !== undefined) {
    const ending = await mayBegin(request, target, tally);
    if (ending !== undefined) return ending;
    const batch = await takeBatch({ request, target, position, rows }, tally);
    ({ position, rows } = batch);
    if (position !== undefined) await rest(request, batch, tally);
  }
  return undefined;
}

/** Waits until a batch may begin. @returns why none may any more */
async function mayBegin(request: Sweep, target: Target, tally: Tally): Promise<Ending | undefined> {
  return endingOf(request) ?? passGates(request, target, tally);
}

function endingOf(request: Sweep): Ending | undefined {
  const { signal, budget } = request;
  if (signal.aborted) return 'stopped';
  if (budget.rowsLeft !== undefined && budget.rowsLeft <= 0) return 'max-rows';
  if (budget.until !== undefined && request.now() >= budget.until) return 'max-time';
  return undefined;
}

/** Waits until all gates are open. @returns why to give up, where they stay closed */
async function passGates(request: Sweep, { oid }: Target, tally: Tally): Promise<Ending | undefined> {
  let closed: ReadonlySet<GateName> = new Set();
  let waitedMs = 0;
  for (;;) {
    closed = closedGates(await request.readGates(request.database, oid), closed, request.gates);
    const [first] = closed;
    if (first === undefined) return undefined;
    const ending = endingOf(request) ?? (waitedMs >= request.gates.patience ? first : undefined);
    if (ending !== undefined) return ending;
    waitedMs += await pause(LOOK_AGAIN_MS, { request, tally, reasons: [...closed] });
  }
}

interface Next {
  readonly request: Sweep;
  readonly target: Target;
  readonly position: Position;
  readonly rows: number;
}

interface Taken extends Pick<BatchEnd, 'ms' | 'waiting'> {
  /** Where the next batch begins, and about how many rows it takes. */
  readonly position: Position | undefined;
  readonly rows: number;
}

async function takeBatch(
  { request, target, position, rows }: Next & { readonly position: Position },
  tally: Tally,
): Promise<Taken> {
  const { database, lockTimeoutMs, budget } = request;
  const asked = Math.min(rows, budget.rowsLeft ?? rows);
  const range: Range = await position(asked);
  try {
    const end = await deleteRange({ database, target, condition: range.condition, lockTimeoutMs }, tally);
    tally.rows += end.rows;
    if (budget.rowsLeft !== undefined) budget.rowsLeft -= end.rows;
    request.onRows(tally.rows);
    const { ms, waiting } = end;
    return { ms, waiting, position: range.after, rows: nextRows(waiting > 0 ? rows / 2 : rows, ms) };
  } catch (error) {
    const fewer = fewerRows(asked);
    if (!(error instanceof MaintError) || error.code !== 'STATEMENT_TIMED_OUT' || fewer === undefined) throw error;
    return { position, rows: fewer, ms: 0, waiting: 0 };
  }
}

async function rest(request: Sweep, { ms, waiting }: Taken, tally: Tally): Promise<void> {
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
