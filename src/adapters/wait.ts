import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; handed in wherever someone waits, so that a test need not. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** Waits that long, or until the signal aborts, whichever comes first. Never rejects: look at the signal afterwards. */
export const wait: Wait = async (ms, signal) => {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};
