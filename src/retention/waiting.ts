import { timed } from '../adapters/stopwatch.ts';
import { wait } from '../adapters/wait.ts';
import type { BatchEnd } from './batches.ts';
import type { Sweep } from './engine.ts';
import { closedGates, type GateName } from './gates.ts';
import { restMs } from './pace.ts';
import type { Ending, Tally } from './tally.ts';
import type { Target } from './target.ts';

/** How long to wait before a closed gate is looked at again. */
const LOOK_AGAIN_MS = 500;

/** Waits until a batch may begin. @returns why none may any more */
export async function mayBegin(request: Sweep, target: Pick<Target, 'oid'>, tally: Tally): Promise<Ending | undefined> {
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
    tally.replicas = readings.replicas;
    closed = closedGates(readings, { closed, batchWalBytes: tally.batchWalBytes }, request.gates.marks);
    const [first] = closed;
    if (first === undefined) return undefined;
    const ending = endingOf(request) ?? (waitedMs >= request.patienceMs ? first : undefined);
    if (ending !== undefined) return ending;
    waitedMs += await pause(LOOK_AGAIN_MS, { request, tally, reasons: [...closed] });
  }
}

/** Rests after a batch, as the pace says; at least as long as it took, where somebody waited for it. */
export async function rest(
  request: Sweep,
  { ms, waiting }: Pick<BatchEnd, 'ms' | 'waiting'>,
  tally: Tally,
): Promise<void> {
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
