import { markdown } from './measure.ts';

/** A number that something was promised of. */
export interface Target {
  readonly claim: string;
  readonly value: number;
  /** What it must at least, or at most, be. */
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit: string;
}

/** Prints what was promised and what was found; a target that is missed makes the exit code 1. */
export function printTargets(targets: readonly Target[]): void {
  const rows = targets.map(({ claim, value, atLeast, atMost, unit }) => {
    const isMet = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
    if (!isMet) process.exitCode = 1;
    const limit = atLeast === undefined ? `at most ${worded(atMost ?? 0)}` : `at least ${worded(atLeast)}`;
    return [claim, `${limit} ${unit}`, `${worded(value)} ${unit}`, isMet ? 'met' : 'MISSED'];
  });
  console.log(`\n${markdown([['claim', 'target', 'found', ''], ...rows])}`);
}

function worded(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: value < 1_000 ? 3 : 6 });
}

/** The median. */
export function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(sorted.length / 2) - 1);
  return sorted.length % 2 === 1 ? low : (low + high) / 2;
}
