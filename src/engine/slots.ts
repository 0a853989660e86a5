import { Cron } from 'croner';

/** A clock a few seconds early must not push a run into the slot before; cron itself fires within its minute. */
const TOLERANCE_MS = 60_000;

/**
 * The instant a scheduled run that starts now was meant for: the newest instant of the schedule that is not in the future.
 * @param expression a cron expression of five fields
 * @param timezone an IANA name
 * @returns undefined when the schedule has no instant in the past
 */
export function slotAt(expression: string, timezone: string, now: Date): Date | undefined {
  return new Cron(expression, { timezone, paused: true }).previousRuns(1, new Date(now.getTime() + TOLERANCE_MS))[0];
}

/** The next instant of the schedule after `after`; undefined when there is none. */
export function nextSlot(expression: string, timezone: string, after: Date): Date | undefined {
  return new Cron(expression, { timezone, paused: true }).nextRun(after) ?? undefined;
}
