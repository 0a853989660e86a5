import { wait } from '../adapters/wait.ts';
import { together } from './together.ts';

/** What is looked after while something else is done. */
export interface Watch {
  readonly everyMs: number;
  /** Looks once. What it throws ends the work. */
  look(signal: AbortSignal): Promise<void>;
}

/**
 * Does a piece of work and looks after it again and again meanwhile, for the first time after one interval.
 * @throws what the work throws, or what a look throws, once the work has stopped
 */
export async function watched<T>(
  watch: Watch,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const [value] = await together(
    signal,
    async (stop) => {
      try {
        return await work(stop);
      } finally {
        over.abort();
      }
    },
    async (stop) => {
      const end = AbortSignal.any([stop, over.signal]);
      for (await wait(watch.everyMs, end); !end.aborted; await wait(watch.everyMs, end)) await watch.look(stop);
    },
  );
  return value;
}
