import type { Http, HttpAnswer } from '../adapters/http.ts';
import type { Mail, MailAnswer } from '../adapters/mail.ts';
import type { Mailing, Parcel, Post } from './channels/channel.ts';

/** What one try came to. */
export interface Try {
  readonly ok: boolean;
  /** HTTP status or reply code of SMTP; null where no answer came. */
  readonly status: number | null;
  /** Of the answer, in milliseconds. */
  readonly latencyMs: number | null;
  /** Why it failed, without any secret; null when it did not. */
  readonly error: string | null;
  /** Trying the same again later is pointless until somebody changes the configuration. */
  readonly permanent: boolean;
  /** The header `Retry-After` as it came. */
  readonly retryAfter: string | null;
  /** What the service calls the thing that it took; null where it says nothing. */
  readonly providerId: string | null;
  /** What was not as it should be although it was taken; null when nothing was. */
  readonly note: string | null;
}

/** The ways out, and limits for one try. */
export interface Ways {
  readonly http: Http;
  readonly mail: Mail;
  /** Limit for one try. */
  readonly timeoutMs: number;
  /** Ends all tries. */
  readonly signal: AbortSignal;
  now(): Date;
}

/** Sends a parcel once. Throws what the adapters throw when no answer comes. */
export async function trySending(parcel: Parcel, ways: Ways): Promise<Try> {
  return parcel.via === 'http' ? tryPost(parcel, ways) : tryLetter(parcel, ways);
}

async function tryPost(post: Post, { http, timeoutMs, signal, ...ways }: Ways): Promise<Try> {
  const { url, suffix, query, bearer, body, headers } = post;
  const answer = await http.send({
    method: 'POST',
    url,
    bearer,
    body,
    timeoutMs,
    signal,
    ...(suffix !== undefined && { suffix }),
    ...(query !== undefined && { query }),
    ...(headers !== undefined && { headers: headers(ways.now()) }),
  });
  if (answer.ok && answer.status === post.emptyStatus)
    return {
      ...judged(answer),
      ok: false,
      permanent: true,
      error: `${answer.host} sent it nowhere: nothing is set up there`,
    };
  return { ...judged(answer), providerId: answer.ok ? providerId(answer.body, post.idKey) : null };
}

/** Server busy, or not there for a moment. Any other status below 500 stays the same however often one asks. */
const PASSING_STATUSES: readonly number[] = [408, 425, 429];

/** Judges an answer of HTTP: only 2xx is good; a redirect is never followed, so it is a failure. */
export function judged({ ok, status, host, latencyMs, retryAfter }: HttpAnswer): Try {
  return {
    ok,
    status,
    latencyMs,
    retryAfter,
    permanent: !ok && status < 500 && !PASSING_STATUSES.includes(status),
    error: ok ? null : `${host} answered ${status}${noteOn(status)}`,
    providerId: null,
    note: null,
  };
}

function noteOn(status: number): string {
  if (status >= 300 && status < 400) return ', a redirect, which is never followed';
  if (status === 404 || status === 410) return ', there is nothing at this address';
  return status === 401 || status === 403 ? ', it refuses this sender' : '';
}

function providerId(body: string, key: string | undefined): string | null {
  if (key === undefined) return null;
  try {
    const data: unknown = JSON.parse(body);
    const id =
      typeof data === 'object' && data !== null ? Object.entries(data).find(([name]) => name === key)?.[1] : null;
    return typeof id === 'string' ? id.slice(0, 100) : null;
  } catch (error) {
    // A service that took the message may say so in any words it likes.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const PERMANENT_FROM = 500;

async function tryLetter({ server, letter }: Mailing, { mail, timeoutMs, signal }: Ways): Promise<Try> {
  const { ok, code, host, response, latencyMs, refused }: MailAnswer = await mail.send({
    server,
    letter,
    timeoutMs,
    signal,
  });
  return {
    ok,
    status: code,
    latencyMs,
    retryAfter: null,
    permanent: !ok && code >= PERMANENT_FROM,
    error: ok ? null : `${host} answered ${code}: ${response}`,
    providerId: ok ? letter.messageId : null,
    note: refused.length === 0 ? null : `${host} refused ${refused.join(', ')}`,
  };
}
