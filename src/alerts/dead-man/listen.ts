import type { Http } from '../../adapters/http.ts';
import type { Wait } from '../../adapters/wait.ts';
import { attempt } from '../attempts.ts';
import { judged } from '../tries.ts';
import { pingOf, type RunEnd } from './ping.ts';
import type { DeadManSwitch } from './settings.ts';

/** What is known of a switch from run to run. Plain data, stored as JSON. */
export interface SwitchRecord {
  readonly id: string;
  /** What has to be corrected in the configuration, as it was said; null where nothing has. */
  readonly trouble: string | null;
  /** How much of a log it keeps; null while it has not said so. */
  readonly bodyLimitBytes: number | null;
  /** ISO instant at which it last took a ping. */
  readonly lastSuccessAt: string | null;
}

/** A ping, and what it needs from outside. */
export interface PingRequest {
  readonly listener: DeadManSwitch;
  readonly record: SwitchRecord;
  readonly run: string;
  /** Undefined at the start. */
  readonly end: Omit<RunEnd, 'bodyLimitBytes'> | undefined;
  readonly http: Http;
  readonly wait: Wait;
  readonly signal: AbortSignal;
  now(): Date;
}

/** What became of a ping. It never decides about a run. */
export interface Pinged {
  /** Without any secret; null when the ping was taken, or none was wanted. */
  readonly error: string | null;
  /** It is the same trouble as the last time: said already. */
  readonly isKnown: boolean;
  readonly record: SwitchRecord;
}

const TIMEOUT_MS = 10_000;
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000];
/** What an own server of Healthchecks keeps unless it is set up otherwise. */
const BODY_LIMIT_BYTES = 10_000;

/** A switch of which nothing is known. */
export function newSwitchRecord(id: string): SwitchRecord {
  return { id, trouble: null, bodyLimitBytes: null, lastSuccessAt: null };
}

/**
 * Tells a switch that a run begins or has ended; up to five tries at the end, three at the start, for which nobody waits.
 * Only 2xx is a ping that was heard. Never throws for what a network or a server does.
 */
export async function ping(request: PingRequest): Promise<Pinged> {
  const { listener, record, run, http, wait, signal } = request;
  const end = request.end && { ...request.end, bodyLimitBytes: record.bodyLimitBytes ?? BODY_LIMIT_BYTES };
  const made = pingOf(listener, { run, end });
  if (made === undefined) return { error: null, isKnown: false, record };
  let { bodyLimitBytes } = record;
  const send = async () => {
    const answer = await http.send({ ...made, timeoutMs: TIMEOUT_MS, signal });
    bodyLimitBytes = answer.bodyLimitBytes ?? bodyLimitBytes;
    return judged(answer);
  };
  const pausesMs = end === undefined ? PAUSES_MS.slice(0, 2) : PAUSES_MS;
  const { ok, error, permanent } = await attempt({ send, wait, signal, pausesMs, now: () => request.now() });
  const lastSuccessAt = ok ? request.now().toISOString() : record.lastSuccessAt;
  return {
    error,
    isKnown: permanent && error === record.trouble,
    record: { ...record, bodyLimitBytes, lastSuccessAt, trouble: permanent ? error : ok ? null : record.trouble },
  };
}
