import type { Http } from '../adapters/http.ts';
import type { Wait } from '../adapters/wait.ts';
import type { Secret } from '../base/secret.ts';
import { attempt } from './attempts.ts';
import { judged } from './tries.ts';

/** Where a dead-man's switch listens, and what pinging it needs. */
export interface HeartbeatRequest {
  /** The ping URL of a check, as Healthchecks shows it; whoever knows it can ping, so it is a secret. */
  readonly url: Secret;
  /** UUID of the run; the same at start and end, so that the switch can tell how long it took. */
  readonly runId: string;
  readonly http: Http;
  readonly wait: Wait;
  readonly signal: AbortSignal;
  now(): Date;
}

/** What became of a ping. It never decides about a run. */
export interface Pinged {
  readonly ok: boolean;
  /** Without any secret; null when the ping was taken. */
  readonly error: string | null;
}

const TIMEOUT_MS = 10_000;

/**
 * Says that a run has begun. Never throws for what a network or a server does.
 * @see https://healthchecks.io/docs/http_api/
 */
export async function pingStart(request: HeartbeatRequest): Promise<Pinged> {
  return ping('/start', request);
}

/**
 * Says how a run has ended: 0 is good, 1 to 255 is a failure. Never throws for what a network or a server does.
 * @see https://healthchecks.io/docs/http_api/
 */
export async function pingEnd(request: HeartbeatRequest, exitCode: number): Promise<Pinged> {
  return ping(`/${exitCode}`, request);
}

async function ping(suffix: string, { url, runId, http, ...surroundings }: HeartbeatRequest): Promise<Pinged> {
  const { wait, signal } = surroundings;
  const send = async () =>
    judged(await http.send({ method: 'GET', url, suffix, query: { rid: runId }, timeoutMs: TIMEOUT_MS, signal }));
  const { ok, error } = await attempt({ send, wait, signal, now: () => surroundings.now() });
  return { ok, error };
}
