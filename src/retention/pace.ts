import type { Pace } from './settings.ts';

/** How long one batch should take, by pace: what the application waits behind is one batch, not their sum. */
const TARGET_MS: Readonly<Record<Pace, number>> = { gentle: 5, normal: 50, full: 200 };
const MIN_ROWS = 100;
const MAX_ROWS = 50_000;

/** A plain deletion, before anything was measured and at most. */
export const PLAIN_ROWS = { firstRows: 1_000, maxRows: MAX_ROWS, maxRowsAlone: 200_000 };

/** Which share of the time batches are at work, by pace. */
const DUTY: Readonly<Record<Pace, number>> = { gentle: 0.25, normal: 0.5, full: 1 };

/** What batches aim at. */
export interface Aim {
  readonly pace: Pace;
  /** No batch asks for more rows. */
  readonly most?: number;
}

/** However short a batch was, the next one is at most so many times as large: few rows say little of many. */
const MOST_GROWTH = 16;

/**
 * How many rows to ask for next: towards the target time, at most twice or half as many as before; where the batch was so
 * short that many more rows still took half the target, so many.
 */
export function nextRows(rows: number, tookMs: number, { pace, most = MAX_ROWS }: Aim): number {
  const ratio = TARGET_MS[pace] / Math.max(1, tookMs);
  const growth = Math.min(MOST_GROWTH, Math.max(2, ratio / 2));
  return Math.min(most, Math.max(MIN_ROWS, Math.round(rows * Math.min(growth, Math.max(0.5, ratio)))));
}

/** How many rows an action may take within the next range: learned from batches that took some, not from empty ranges. */
export function nextLimit(
  limit: number,
  { rows, ms }: { readonly rows: number; readonly ms: number },
  pace: Pace,
): number {
  if (ms > TARGET_MS[pace] && rows > 0) return nextRows(rows, ms, { pace });
  return rows >= limit ? nextRows(limit, ms, { pace }) : limit;
}

/** @returns undefined where a batch cannot be made smaller */
export function fewerRows(rows: number): number | undefined {
  return rows <= MIN_ROWS ? undefined : Math.max(MIN_ROWS, Math.round(rows / 4));
}

/** How long to rest after a batch, in milliseconds. */
export function restMs(tookMs: number, pace: Pace): number {
  return tookMs * (1 / DUTY[pace] - 1);
}
