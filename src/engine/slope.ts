import type { TimedSample } from './sample.ts';

/**
 * The median of the slopes between all pairs of samples, per millisecond; 0 where no two samples differ in time.
 * Up to 29 % of the samples may be anything without changing its sign.
 * @see https://en.wikipedia.org/wiki/Theil%E2%80%93Sen_estimator
 */
export function theilSenSlope(samples: readonly TimedSample[]): number {
  const slopes = pairs(samples)
    .map(([a, b]) => (b.value - a.value) / (b.at.getTime() - a.at.getTime()))
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  const middle = Math.floor(slopes.length / 2);
  const upper = slopes[middle] ?? 0;
  return slopes.length % 2 === 1 ? upper : (upper + (slopes[middle - 1] ?? upper)) / 2;
}

/** Every pair of two items, each once, in their order. */
export function pairs<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((first, index) => items.slice(index + 1).map((second) => [first, second] as const));
}
