import type { Wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';
import type { Try } from './tries.ts';

/** What became of a few tries to send one thing: the last of them, and how many there were. */
export interface Attempted extends Omit<Try, 'retryAfter'> {
  readonly attempts: number;
}

/** How to try. */
export interface AttemptRequest {
  /** Sends once; called anew for each try. */
  send(): Promise<Try>;
  readonly wait: Wait;
  readonly signal: AbortSignal;
  /** Waits between tries, so one more try than waits; a second and four seconds where left out. */
  readonly pausesMs?: readonly number[];
  now(): Date;
}

/** Longer outages are the spool's business. */
const PAUSES_MS = [1_000, 4_000] as const;
const RETRY_AFTER_LIMIT_MS = 60_000;

/** Tries up to three times, or as often as it is told to. Obeys `Retry-After` up to a minute. Never throws for what a network or a server does. */
export async function attempt(request: AttemptRequest): Promise<Attempted> {
  for (let attempts = 1; ; attempts += 1) {
    const { retryAfter, ...result } = await once(request);
    const pauseMs = (request.pausesMs ?? PAUSES_MS)[attempts - 1];
    if (result.ok || result.permanent || pauseMs === undefined || request.signal.aborted)
      return { ...result, attempts };
    await request.wait(pause(pauseMs, retryAfter, request.now()), request.signal);
    if (request.signal.aborted) return { ...result, attempts };
  }
}

async function once(request: AttemptRequest): Promise<Try> {
  try {
    return await request.send();
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return {
      ok: false,
      status: null,
      latencyMs: null,
      retryAfter: null,
      error: error.message,
      permanent: error.code === 'CONFIG_INVALID',
      providerId: null,
      note: null,
    };
  }
}

/** A quarter more or less, so that many hosts do not come back at once; never before the server wants it. */
function pause(pauseMs: number, retryAfter: string | null, now: Date): number {
  const jittered = pauseMs * (0.75 + Math.random() / 2);
  return Math.min(RETRY_AFTER_LIMIT_MS, Math.max(jittered, retryAfterMs(retryAfter, now)));
}

/** Reads the header `Retry-After`, seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterMs(header: string | null, now: Date): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) ? ms : 0;
}
