import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { decodedPart } from '../base/url-part.ts';

/** Data to send as JSON. A secret in it is written out at the moment it leaves the process; everywhere else it shows as `[secret]`. */
export type JsonBody =
  | string
  | number
  | boolean
  | null
  | Secret
  | readonly JsonBody[]
  | { readonly [key: string]: JsonBody | undefined };

/** One HTTP request. The address is a secret because a webhook's URL is its password: texts only ever name its host. */
interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** `http://` or `https://`; a user and password in it travel as basic authentication. */
  readonly url: Secret;
  /** Parts of the path after the address, each as it is meant: they are encoded. */
  readonly path?: readonly (string | Secret)[];
  /** Added to the path of the address: `/start`. */
  readonly suffix?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Authorization: Bearer …`. */
  readonly bearer?: Secret | undefined;
  /** Text as it is, or data that becomes JSON. */
  readonly body?: string | { readonly json: JsonBody };
  /** Limit for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What a server answered, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Status 200 to 299. A redirect is never followed, so it counts as a failure. */
  readonly ok: boolean;
  /** `hooks.example.com:8443`, fit for texts. */
  readonly host: string;
  /** At most 64 kB; what was received so far where the rest broke off. */
  readonly body: string;
  /** The header `Retry-After` as it came; null where there is none. */
  readonly retryAfter: string | null;
  readonly latencyMs: number;
  /** The header `Ping-Body-Limit`, by which Healthchecks says how much of a body it keeps; null where there is none. */
  readonly bodyLimitBytes: number | null;
}

/** The way out to HTTP servers. */
export interface Http {
  /**
   * Sends one request, once.
   * @returns the answer, also when its status means failure
   * @throws MaintError HTTP_FAILED (no answer), CONFIG_INVALID (no usable address), CANCELLED
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
}

const BODY_LIMIT_BYTES = 64 * 2 ** 10;

/** The real way out, by `fetch`. */
export const http: Http = { send };

/** Can this secret be the address of an HTTP request? */
export function isHttpUrl(url: Secret): boolean {
  return parsed(url) !== undefined;
}

/** Does host and path of this address look so? For addresses that a service no longer takes, or that lack a part. */
export function addressMatches(url: Secret, pattern: RegExp): boolean {
  const address = parsed(url);
  return address !== undefined && pattern.test(`${address.host}${address.pathname}`);
}

async function send(request: HttpRequest): Promise<HttpAnswer> {
  const target = targetOf(request);
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const startedAt = performance.now();
  try {
    const response = await fetch(target.address, {
      method: request.method,
      headers: { 'user-agent': 'maint', ...target.headers, ...ownHeaders(request), ...request.headers },
      redirect: 'manual',
      signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
      ...(request.body !== undefined && { body: textOf(request.body) }),
    });
    return {
      status: response.status,
      ok: response.ok,
      host: target.host,
      retryAfter: response.headers.get('retry-after'),
      bodyLimitBytes: bodyLimit(response.headers.get('ping-body-limit')),
      latencyMs: performance.now() - startedAt,
      body: await readLimited(response),
    };
  } catch (error) {
    throw translate(error, { host: target.host, timeout, request });
  }
}

function ownHeaders({ body, bearer }: HttpRequest): Readonly<Record<string, string>> {
  return {
    ...(typeof body === 'object' && { 'content-type': 'application/json' }),
    ...(bearer !== undefined && { authorization: `Bearer ${bearer.reveal()}` }),
  };
}

function textOf(body: NonNullable<HttpRequest['body']>): string {
  if (typeof body === 'string') return body;
  // A secret answers `toJSON` with `[secret]`, so it is looked for in the object that holds it.
  return JSON.stringify(body.json, function reveal(this: Readonly<Record<string, unknown>>, key, shown: unknown) {
    const value = this[key];
    return value instanceof Secret ? value.reveal() : shown;
  });
}

interface Target {
  /** Without user and password, which `fetch` refuses. */
  readonly address: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

function bodyLimit(header: string | null): number | null {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : null;
}

function targetOf({ url, path = [], suffix = '', query = {} }: HttpRequest): Target {
  const address = parsed(url);
  // No cause: the parser's own error repeats the whole address.
  if (address === undefined) throw new MaintError('CONFIG_INVALID', 'the address is not an http:// or https:// URL');
  const login = `${decodedPart(address.username)}:${decodedPart(address.password)}`;
  address.username = '';
  address.password = '';
  address.hash = '';
  const parts = path.map((part) => `/${encodeURIComponent(typeof part === 'string' ? part : part.reveal())}`);
  const more = parts.join('') + suffix;
  if (more !== '') address.pathname = address.pathname.replace(/\/+$/, '') + more;
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return {
    address: address.href,
    host: address.host,
    headers: login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
  };
}

function parsed(url: Secret): URL | undefined {
  const address = URL.parse(url.reveal());
  return address !== null && /^https?:$/.test(address.protocol) ? address : undefined;
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= BODY_LIMIT_BYTES) break;
    }
  } catch {
    // The status has arrived, and it alone decides: a body that breaks off must not make us send the same thing again.
  }
  return Buffer.concat(chunks).subarray(0, BODY_LIMIT_BYTES).toString('utf8');
}

interface Attempt {
  readonly host: string;
  readonly timeout: AbortSignal;
  readonly request: HttpRequest;
}

function translate(error: unknown, { host, timeout, request }: Attempt): unknown {
  if (!(error instanceof Error)) return error;
  if (request.signal?.aborted === true) return new MaintError('CANCELLED', `the request to ${host} was stopped`);
  if (timeout.aborted) return new MaintError('HTTP_FAILED', `${host} did not answer within ${request.timeoutMs} ms`);
  // Only what lies beneath is kept as the cause: the message of fetch itself may repeat the address.
  const { cause } = error;
  if (!(cause instanceof Error)) return new MaintError('HTTP_FAILED', `the request to ${host} could not be made`);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return new MaintError('HTTP_FAILED', `${host} cannot be reached (${code})`, { cause });
}
