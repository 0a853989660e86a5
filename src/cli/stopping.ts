import type { StopSignal, World } from '../base/world.ts';

/** Turns stop signals into one AbortSignal. */
export interface Stopping extends Disposable {
  /** Aborts at the first stop signal, or when `stop` is called. */
  readonly signal: AbortSignal;
  /** The signal that came; null while none has. */
  stoppedBy(): StopSignal | null;
  /** Stops the run for another reason, in words. */
  stop(reason: string): void;
}

/** How often a person must ask before maint gives up stopping in order. */
const PATIENCE = 3;
/** 128 + SIGKILL: what a shell would say of a process that was not allowed to clean up. */
const ABANDONED = 137;

/** Listens for stop signals until it is disposed. */
export function listenForStop(world: World, isQuiet: boolean): Stopping {
  const controller = new AbortController();
  let first: StopSignal | null = null;
  let count = 0;
  const off = world.onStopSignal((signal) => {
    count += 1;
    first ??= signal;
    if (count >= PATIENCE) world.abandon(ABANDONED);
    if (!isQuiet && count === 1) world.stderr.write(`maint: ${signal}: stopping between two units of work\n`);
    controller.abort(signal);
  });
  return {
    signal: controller.signal,
    stoppedBy: () => first,
    stop: (reason) => controller.abort(reason),
    [Symbol.dispose]: off,
  };
}
