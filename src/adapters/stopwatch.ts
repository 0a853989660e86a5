/**
 * Runs something and says how long it took, by a clock that never jumps.
 * @returns its answer and the time in milliseconds
 * @throws what the work itself throws
 */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startedAt };
}
