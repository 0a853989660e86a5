import type { Log } from '../base/log.ts';
import { thrownStep, type Ending } from './endings.ts';
import type { Step, TaskLimits } from './task.ts';

/** In which run a piece of work is done. */
interface Frame {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly limits: TaskLimits | undefined;
  /** When the task was begun. */
  readonly startedMs: number;
  monotonicMs(): number;
}

/** Runs one piece of a task under its deadline, and that of the whole task, and turns whatever happens into an ending. */
export async function bounded(
  run: Frame,
  deadlineMs: number,
  work: (signal: AbortSignal) => ReturnType<Step['perform']>,
): Promise<Ending> {
  const wholeMs = run.limits?.wholeMs;
  const leftMs = leftOf(run);
  using deadline = startDeadline(Math.min(deadlineMs, leftMs));
  const signal = AbortSignal.any([run.signal, deadline.signal]);
  const hasTimedOut = (): boolean => deadline.signal.aborted && !run.signal.aborted;
  const timing = { deadlineMs, wholeMs: leftMs < deadlineMs ? wholeMs : undefined, hasTimedOut };
  using patience = startPatience(signal, () => Math.min(GRACE_MS, Math.max(0, leftOf(run)) + SHORT_GRACE_MS));
  try {
    signal.throwIfAborted();
    const { status, ...outcome } = await Promise.race([work(signal), patience.over]);
    return { verdict: status, ...outcome };
  } catch (error) {
    return thrownStep(error, { run, timing });
  }
}

/** How much of the time for the whole task is left. */
function leftOf(run: Frame): number {
  return run.limits === undefined ? Infinity : run.startedMs + run.limits.wholeMs - run.monotonicMs();
}

function startDeadline(deadlineMs: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  if (deadlineMs <= 0) controller.abort();
  const timer = setTimeout(() => controller.abort(), Math.min(Math.max(deadlineMs, 0), 2 ** 31 - 1));
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** How long a step may take to clean up after its signal, before the run goes on without it. */
const GRACE_MS = 20_000;
/** The same once the time of the whole task is over. */
const SHORT_GRACE_MS = 1_000;

/** Rejects when the work has not ended within the grace time after its signal. */
function startPatience(signal: AbortSignal, graceMs: () => number): Disposable & { readonly over: Promise<never> } {
  let timer: NodeJS.Timeout | undefined;
  const { promise: over, reject } = Promise.withResolvers<never>();
  const wait = (): void => {
    timer = setTimeout(() => reject(signal.reason), graceMs());
  };
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  over.catch(() => undefined);
  return {
    over,
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', wait);
      clearTimeout(timer);
    },
  };
}
