import { wait } from '../adapters/wait.ts';

/** So many pieces of work are begun at a time. */
const LANES = 4;
/** What takes longer waits for somebody else: the next piece is begun beside it, so that what hangs holds up nobody. */
const PATIENCE_MS = 1_000;

/**
 * Begins work on items, so many at a time and in their order, and does not wait for it.
 * @returns what becomes of each
 */
export function inLanes<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): ReadonlyMap<Item, Promise<Result>> {
  const ends = new Map(items.map((item) => [item, Promise.withResolvers<Result>()]));
  const queue = ends.entries();
  const lane = async (): Promise<void> => {
    for (const [item, { resolve, reject }] of queue) {
      const ended = new AbortController();
      const working = work(item)
        .then(resolve, reject)
        .finally(() => ended.abort());
      await Promise.race([working, wait(PATIENCE_MS, ended.signal)]);
    }
  };
  for (let lanes = 0; lanes < LANES; lanes += 1) void lane();
  // Whoever waits for one of them hears of its error when its turn comes.
  for (const { promise } of ends.values()) promise.catch(() => undefined);
  return new Map([...ends].map(([item, { promise }]) => [item, promise]));
}
