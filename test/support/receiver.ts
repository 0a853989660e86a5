import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** How the receiver answers one request. Without a status it judges the request by its contract: 200 or 400. */
export interface Behaviour {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Wait this long before answering. */
  readonly delayMs?: number;
  /** What to say; `ok`, or what is wrong with the request, where left out. */
  readonly body?: string;
  /** Begin the body and never end it. */
  readonly endless?: true;
  /** Take the request and never answer. */
  readonly hang?: true;
}

/** One request as it arrived. */
interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as data; undefined where it is no JSON. */
  readonly json: unknown;
  /** What is wrong with it by the contract of its path; undefined when nothing is. */
  readonly violation: string | undefined;
  /** What was answered; undefined until then. */
  status: number | undefined;
}

/** A real HTTP server that plays Slack (`/services/…`), a Standard Webhooks endpoint (`/hook`) and Healthchecks (`/ping/…`). */
export interface Receiver extends AsyncDisposable {
  readonly origin: string;
  readonly slackUrl: string;
  readonly webhookUrl: string;
  readonly pingUrl: string;
  /** All requests, also refused and unanswered ones, in order of arrival. */
  readonly requests: readonly Received[];
  /** The requests that were answered with 2xx. */
  accepted(): readonly Received[];
  /** Sets the answers to the next requests, in order. */
  next(...behaviours: readonly Behaviour[]): void;
  /** Sets the answer to each request for which `next` says nothing. */
  always(behaviour: Behaviour): void;
  /** Resolves when that many requests have arrived. */
  arrived(count: number): Promise<void>;
}

/** A key for signed webhooks; the receiver checks signatures with it unless it gets another. */
export const SIGNING_KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const TOLERANCE_SECONDS = 5 * 60;

/** Starts a receiver on a free port of 127.0.0.1. */
export async function startReceiver(signingKey = SIGNING_KEY): Promise<Receiver> {
  const requests: Received[] = [];
  const planned: Behaviour[] = [];
  const waiting: { readonly count: number; resolve(): void }[] = [];
  let usual: Behaviour = {};
  const server = createServer((incoming, response) => {
    void read(incoming, signingKey).then((received) => {
      requests.push(received);
      answer(received, response, planned.shift() ?? usual);
      for (const watch of waiting.filter(({ count }) => requests.length >= count)) watch.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    origin,
    slackUrl: `${origin}/services/T0000/B0000/slackPathIsASecret`,
    webhookUrl: `${origin}/hook`,
    pingUrl: `${origin}/ping/6f1c2f9e-55a1-4d4e-8f53-3e0f8a1f7c11`,
    requests,
    accepted: () => requests.filter(({ status = 0 }) => status >= 200 && status < 300),
    next: (...behaviours) => void planned.push(...behaviours),
    always: (behaviour) => {
      usual = behaviour;
    },
    arrived: (count) =>
      requests.length >= count ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ count, resolve })),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(incoming: IncomingMessage, signingKey: string): Promise<Received> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? '/', 'http://receiver');
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const body = Buffer.concat(chunks).toString('utf8');
  const query = Object.fromEntries(url.searchParams);
  const request = { method: incoming.method ?? '', path: url.pathname, query, headers, body, json: parsed(body) };
  return { ...request, violation: violationOf(request, signingKey), status: undefined };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function answer(received: Received, response: ServerResponse, behaviour: Behaviour): void {
  if (behaviour.hang) return;
  const status = behaviour.status ?? (received.violation === undefined ? 200 : 400);
  setTimeout(() => {
    // A client that is gone took no answer.
    if (response.destroyed) return;
    received.status = status;
    response.writeHead(status, { 'content-type': 'text/plain', ...behaviour.headers });
    const body = behaviour.body ?? received.violation ?? (status === 200 ? 'ok' : 'no');
    if (behaviour.endless) response.write(body);
    else response.end(body);
  }, behaviour.delayMs ?? 0);
}

type Request = Omit<Received, 'violation' | 'status'>;

function violationOf(request: Request, signingKey: string): string | undefined {
  if (request.path.startsWith('/services/')) return slackViolation(request);
  if (request.path.startsWith('/hook')) return webhookViolation(request, signingKey);
  if (request.path.startsWith('/ping/')) return pingViolation(request);
  return 'unknown_path';
}

/** The limits of Slack: https://docs.slack.dev/reference/block-kit/blocks */
function slackViolation({ method, headers, json, body }: Request): string | undefined {
  if (method !== 'POST' || headers['content-type'] !== 'application/json' || !isObject(json)) return 'invalid_payload';
  if (typeof json['text'] !== 'string' || json['text'] === '') return 'no_text';
  if (!Array.isArray(json['blocks']) || json['blocks'].length > 50) return 'invalid_blocks';
  if (body.length > 8_000) return 'msg_blocks_too_long';
  if (hasBareMarkup(json['text'])) return 'unescaped_text';
  return json['blocks'].map(blockViolation).find((violation) => violation !== undefined) ?? wellFormed(body);
}

function blockViolation(block: unknown): string | undefined {
  if (!isObject(block)) return 'invalid_blocks';
  const elements = Array.isArray(block['elements']) ? block['elements'] : [];
  const texts: readonly unknown[] = block['type'] === 'context' ? elements : [block['text']];
  const limit = block['type'] === 'header' ? 150 : 3_000;
  const kind = block['type'] === 'header' ? 'plain_text' : 'mrkdwn';
  for (const text of texts) {
    if (!isObject(text) || typeof text['text'] !== 'string' || text['type'] !== kind) return 'invalid_blocks';
    if (text['text'] === '' || text['text'].length > limit) return 'invalid_blocks_length';
    if (kind === 'mrkdwn' && hasBareMarkup(text['text'])) return 'unescaped_text';
  }
  return texts.length === 0 ? 'invalid_blocks' : undefined;
}

function hasBareMarkup(text: string): boolean {
  return /[<>]|&(?!(?:amp|lt|gt);)/.test(text);
}

function webhookViolation({ method, headers, body, json }: Request, signingKey: string): string | undefined {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  if (method !== 'POST' || headers['content-type'] !== 'application/json' || !isObject(json)) return 'no_json';
  if (!/^[\w-]+$/.test(id) || !/^\d+$/.test(timestamp)) return 'bad_headers';
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return 'too_old';
  const key = Buffer.from(signingKey.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  const isSigned = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!isSigned) return 'bad_signature';
  if (Buffer.byteLength(body) >= 20_000) return 'too_long';
  const isKnown = /^maint\.alert\.(?:firing|resolved|test)$/.test(String(json['type']));
  if (!isKnown || Number.isNaN(Date.parse(String(json['timestamp']))) || !isObject(json['data'])) return 'bad_body';
  return wellFormed(body);
}

/** Healthchecks: https://healthchecks.io/docs/http_api/ */
function pingViolation({ path, query }: Request): string | undefined {
  const isPath = /^\/ping\/[0-9a-f-]{36}(?:\/(?:start|fail|log|\d{1,3}))?$/.test(path);
  if (!isPath || Number(/\/(\d+)$/.exec(path)?.[1] ?? 0) > 255) return 'invalid url format';
  const { rid } = query;
  const isUuid = rid === undefined || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(rid);
  return isUuid ? undefined : 'invalid uuid format';
}

/** Control characters and halves of characters break receivers. */
function wellFormed(body: string): string | undefined {
  const text = JSON.stringify(parsed(body));
  return /\\u00[01][0-9a-f]|\\ud[89a-f]/i.test(text) ? 'broken_characters' : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
