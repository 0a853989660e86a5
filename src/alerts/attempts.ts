import type { HttpAnswer } from '../adapters/http.ts';
import type { Wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';

/** What became of a few tries to send one thing. */
export interface Attempted {
  readonly ok: boolean;
  readonly attempts: number;
  /** HTTP status of the last answer; null where none came. */
  readonly status: number | null;
  /** Of the last answer, in milliseconds. */
  readonly latencyMs: number | null;
  /** Why it failed, without any secret; null when it did not. */
  readonly error: string | null;
  /** Trying the same again later is pointless until somebody changes the configuration. */
  readonly permanent: boolean;
}

/** How to try. */
export interface AttemptRequest {
  /** Sends once; called anew for each try. */
  send(): Promise<HttpAnswer>;
  readonly wait: Wait;
  readonly signal: AbortSignal;
  now(): Date;
}

/** Waits between tries, so one more try than waits. Longer outages are the spool's business. */
const PAUSES_MS = [1_000, 4_000] as const;
const RETRY_AFTER_LIMIT_MS = 60_000;
/** Server busy, or not there for a moment. Any other status below 500 stays the same however often one asks. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429];

/** Tries up to three times. Obeys `Retry-After` up to a minute. Never throws for what a network or a server does. */
export async function attempt(request: AttemptRequest): Promise<Attempted> {
  for (let attempts = 1; ; attempts += 1) {
    const { retryAfter, ...result } = await once(request);
    const pauseMs = PAUSES_MS[attempts - 1];
    if (result.ok || result.permanent || pauseMs === undefined || request.signal.aborted)
      return { ...result, attempts };
    await request.wait(pause(pauseMs, retryAfter, request.now()), request.signal);
    if (request.signal.aborted) return { ...result, attempts };
  }
}

type Try = Omit<Attempted, 'attempts'> & { readonly retryAfter: string | null };

async function once(request: AttemptRequest): Promise<Try> {
  try {
    const { ok, status, host, latencyMs, retryAfter } = await request.send();
    const permanent = !ok && status < 500 && !PASSING_STATUSES.includes(status);
    return {
      ok,
      status,
      latencyMs,
      retryAfter,
      permanent,
      error: ok ? null : `${host} answered ${status}${noteOn(status)}`,
    };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    const permanent = error.code === 'CONFIG_INVALID';
    return { ok: false, status: null, latencyMs: null, retryAfter: null, permanent, error: error.message };
  }
}

function noteOn(status: number): string {
  if (status >= 300 && status < 400) return ', a redirect, which is never followed';
  if (status === 404 || status === 410) return ', there is nothing at this address';
  return status === 401 || status === 403 ? ', it refuses this sender' : '';
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
