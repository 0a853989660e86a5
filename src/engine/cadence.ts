import { nextSlot, slotAt } from './slots.ts';

/** When a job is due, again and again. */
export type Cadence =
  | {
      readonly kind: 'cron';
      /** Five fields, as crontab writes them. */
      readonly expression: string;
      /** IANA name. */
      readonly timezone: string;
    }
  | {
      readonly kind: 'interval';
      readonly everyMs: number;
      /** One instant at which it is due, in milliseconds since 1970; all others follow from it, on every host alike. */
      readonly anchorMs: number;
    };

/** A clock a little early must not push a run into the slot before. */
const TOLERANCE_MS = 60_000;

/** The newest slot that is not in the future; undefined where there is none. */
export function currentSlot(cadence: Cadence, now: Date): Date | undefined {
  if (cadence.kind === 'cron') return slotAt(cadence.expression, cadence.timezone, now);
  const { everyMs, anchorMs } = cadence;
  const count = Math.floor((now.getTime() + TOLERANCE_MS - anchorMs) / everyMs);
  return new Date(anchorMs + count * everyMs);
}

/** The first slot after an instant; undefined where there is none. */
export function slotAfter(cadence: Cadence, after: Date): Date | undefined {
  if (cadence.kind === 'cron') return nextSlot(cadence.expression, cadence.timezone, after);
  const { everyMs, anchorMs } = cadence;
  return new Date(anchorMs + (Math.floor((after.getTime() - anchorMs) / everyMs) + 1) * everyMs);
}

/** Nobody reads more, and a schedule of every minute must not fill the memory after a month of silence. */
const MOST_SLOTS = 1_000;

/** Every slot after one instant and not after another, oldest first; at most the first thousand. */
export function slotsBetween(cadence: Cadence, after: Date, until: Date): readonly Date[] {
  const slots: Date[] = [];
  let slot = slotAfter(cadence, after);
  while (slot !== undefined && slot <= until && slots.length < MOST_SLOTS) {
    slots.push(slot);
    slot = slotAfter(cadence, slot);
  }
  return slots;
}
