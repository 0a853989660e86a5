/** A piece of work that ends early when its signal aborts. */
type Work<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Does two things at once. When one fails the other is told to stop, and is waited for: nothing runs on behind the back
 * of whoever cleans up.
 * @throws the reason of the signal when it aborted, else the first failure
 */
export async function together<A, B>(signal: AbortSignal, left: Work<A>, right: Work<B>): Promise<readonly [A, B]> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const watched = async <T>(work: Work<T>): Promise<T> => {
    try {
      return await work(both);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const [a, b] = await Promise.allSettled([watched(left), watched(right)]);
  signal.throwIfAborted();
  // The second to fail did so because it was told to stop; the first one's error is the reason.
  if (a.status === 'rejected' || b.status === 'rejected') throw stop.signal.reason;
  return [a.value, b.value];
}
