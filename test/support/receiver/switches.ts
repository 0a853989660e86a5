import type { Contract, Request } from './contract.ts';

/** What the receiver keeps of a log, as the header `Ping-Body-Limit` announces it. */
const PING_BODY_LIMIT_BYTES = 10_000;

/** The ping API of Healthchecks: https://healthchecks.io/docs/http_api/ */
export const healthchecks: Contract = {
  path: /^\/ping\//,
  violation: pingViolation,
  answer: ({ query }) => ({
    status: query['create'] === '1' ? 201 : 200,
    body: query['create'] === '1' ? 'Created' : 'OK',
    headers: { 'ping-body-limit': String(PING_BODY_LIMIT_BYTES) },
  }),
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const END = '(?:/(?<end>start|fail|log|\\d{1,3}))?$';
const BY_ID = new RegExp(`^/ping/[0-9a-f-]{36}${END}`);
const BY_SLUG = new RegExp(`^/ping/[\\w-]{22}/[a-z0-9_-]+${END}`);

function pingViolation({ path, query, body }: Request): string | undefined {
  const match = BY_ID.exec(path) ?? BY_SLUG.exec(path);
  if (match === null || Number(/^\d+$/.exec(match.groups?.['end'] ?? '')?.[0] ?? 0) > 255) return 'invalid url format';
  const { rid } = query;
  if (rid !== undefined && !UUID.test(rid)) return 'invalid uuid format';
  return Buffer.byteLength(body) > PING_BODY_LIMIT_BYTES ? 'body would be cut' : undefined;
}

/** The push monitor of Uptime Kuma; anything but `up` is taken for down. */
export const uptimeKuma: Contract = {
  path: /^\/api\/push\/\w+$/,
  violation: ({ method, query }) =>
    method === 'GET' && /^(?:up|down)$/.test(query['status'] ?? '') && (query['msg'] ?? '') !== ''
      ? undefined
      : 'no push',
  answer: () => ({ status: 200, body: JSON.stringify({ ok: true }) }),
};

const STATES = /^(?:run|complete|fail|ok)$/;

/** The telemetry API of Cronitor: https://cronitor.io/docs/telemetry-api */
export const cronitor: Contract = {
  path: /^\/cronitor\/ping\/\w+\/[\w-]+$/,
  violation: ({ query }) =>
    STATES.test(query['state'] ?? '') && UUID.test(query['series'] ?? '') ? undefined : 'no ping',
  answer: () => ({ status: 200, body: 'OK' }),
};

/** Addresses that only have to be called. */
export const called: Contract = {
  path: /^\/called\/\w+$/,
  violation: () => undefined,
  answer: () => ({ status: 200, body: '' }),
};
