/** So many pieces of work are under way at a time. */
const LANES = 4;

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
    for (const [item, { resolve, reject }] of queue) await work(item).then(resolve, reject);
  };
  for (let lanes = 0; lanes < LANES; lanes += 1) void lane();
  // Whoever waits for one of them hears of its error when its turn comes.
  for (const { promise } of ends.values()) promise.catch(() => undefined);
  return new Map([...ends].map(([item, { promise }]) => [item, promise]));
}
