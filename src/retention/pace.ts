import type { Pace } from './settings.ts';

/** How long one batch should take. */
const TARGET_MS = 200;
const MIN_ROWS = 100;
const MAX_ROWS = 50_000;

/** Rows of the first batch, before anything was measured. */
export const FIRST_ROWS = 1_000;

/** Which share of the time batches are at work, by pace. */
const DUTY: Readonly<Record<Pace, number>> = { gentle: 0.25, normal: 0.5, full: 1 };

/** How many rows to ask for next: towards the target time, at most twice or half as many as before. */
export function nextRows(rows: number, tookMs: number): number {
  const factor = Math.min(2, Math.max(0.5, TARGET_MS / Math.max(1, tookMs)));
  return Math.min(MAX_ROWS, Math.max(MIN_ROWS, Math.round(rows * factor)));
}

/** @returns undefined where a batch cannot be made smaller */
export function fewerRows(rows: number): number | undefined {
  return rows <= MIN_ROWS ? undefined : Math.max(MIN_ROWS, Math.round(rows / 4));
}

/** How long to rest after a batch, in milliseconds. */
export function restMs(tookMs: number, pace: Pace): number {
  return tookMs * (1 / DUTY[pace] - 1);
}
