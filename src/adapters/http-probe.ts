import type { IncomingMessage } from 'node:http';
import { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';

/** One GET that looks whether somebody answers. */
export interface ProbeRequest {
  /** http or https; a user and password in it are sent as basic authentication. */
  readonly url: URL;
  /** For everything from looking up the name to the last byte of the body. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface ProbeAnswer {
  readonly status: number;
  /** Where a redirect points to, without its query. */
  readonly location: string | undefined;
  /** When the server says that it is, to the second; undefined where it does not. */
  readonly date: Date | undefined;
  /** Its first mebibyte, read as UTF-8. */
  readonly body: string;
  readonly durationMs: number;
}

const BODY_LIMIT_BYTES = 2 ** 20;

/**
 * Sends one GET over a connection of its own and reads the answer. A redirect is an answer: it is never followed.
 * @throws MaintError HTTP_FAILED when there is no whole answer in time; the message shows neither user nor query
 */
export async function probeHttp({ url, timeoutMs, signal }: ProbeRequest): Promise<ProbeAnswer> {
  const startedAt = performance.now();
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await get(url, AbortSignal.any([signal, limit]));
    const body = await readBody(response);
    return {
      status: response.statusCode ?? 0,
      location: response.headers.location === undefined ? undefined : shownTarget(response.headers.location, url),
      date: dateOf(response.headers.date),
      body,
      durationMs: performance.now() - startedAt,
    };
  } catch (cause) {
    signal.throwIfAborted();
    const reason = limit.aborted ? `no whole answer within ${formatDuration(timeoutMs)}` : reasonOf(cause);
    throw new MaintError('HTTP_FAILED', `${shownUrl(url)}: ${reason}`, { cause });
  }
}

/** Names a URL without what may be secret: user, password, query and fragment. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

async function get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  // Loaded when it is needed: both bring a good part of Node.js with them, and few runs ask a web server.
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    request(url, { agent: false, signal, headers: { 'user-agent': 'maint', accept: '*/*' } }, resolve)
      .on('error', reject)
      .end();
  });
}

async function readBody(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= BODY_LIMIT_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, BODY_LIMIT_BYTES);
}

function dateOf(header: string | undefined): Date | undefined {
  const ms = Date.parse(header ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

function shownTarget(location: string, base: URL): string {
  const target = URL.parse(location, base.href);
  return target === null ? 'an unreadable address' : shownUrl(target);
}

/** A name with several addresses fails with one error for each; the first speaks for all. */
function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const message = first instanceof Error ? first.message : String(first);
  return message.charAt(0).toLowerCase() + message.slice(1);
}
