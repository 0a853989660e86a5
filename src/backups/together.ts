/** A piece of work that ends early when its signal aborts. */
type Work<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Does two things at once. When one fails the other is told to stop, and is waited for: nothing runs on behind the back
 * of whoever cleans up.
 * @throws the reason of the signal when it aborted, else the first failure
 */
export async function together<A, B>(signal: AbortSignal, left: Work<A>, right: Work<B>): Promise<readonly [A, B]> {
  const { watched, stopped } = stoppable(signal);
  const [a, b] = await Promise.allSettled([watched(left), watched(right)]);
  signal.throwIfAborted();
  if (a.status === 'rejected' || b.status === 'rejected') throw stopped.reason;
  return [a.value, b.value];
}

/** The same for any number of works of one kind. @returns what each came to, in their order */
export async function allTogether<T>(signal: AbortSignal, works: readonly Work<T>[]): Promise<readonly T[]> {
  const { watched, stopped } = stoppable(signal);
  const ended = works.map(watched);
  await Promise.allSettled(ended);
  signal.throwIfAborted();
  stopped.throwIfAborted();
  return Promise.all(ended);
}

/** The second to fail does so because it was told to stop; the first one's error is the reason. */
function stoppable(signal: AbortSignal): {
  readonly watched: <T>(work: Work<T>) => Promise<T>;
  readonly stopped: AbortSignal;
} {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  return {
    stopped: stop.signal,
    watched: async (work) => {
      try {
        return await work(both);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    },
  };
}
