import { expect, test } from 'vitest';
import { http, isHttpUrl } from '../../src/adapters/http.ts';
import { MaintError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { startReceiver } from '../support/receiver.ts';

const LIMIT = { timeoutMs: 20_000 };

async function failureOf(work: Promise<unknown>): Promise<MaintError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof MaintError) return error;
  throw new Error(`expected a MaintError, got ${String(error)}`);
}

/** Everything that a log could show of an error. */
function everythingOf(error: MaintError): string {
  const beneath = error.cause instanceof Error ? `${error.cause.message}${error.cause.stack}` : String(error.cause);
  return `${error.message}${error.stack}${error.hint}${beneath}${JSON.stringify(error.cause)}`;
}

test('posts a body with its headers and reads the answer', async () => {
  await using receiver = await startReceiver();
  const answer = await http.send({
    method: 'POST',
    url: new Secret(receiver.slackUrl),
    headers: { 'content-type': 'application/json' },
    body: '{"text":"hello","blocks":[]}',
    ...LIMIT,
  });
  expect(answer).toMatchObject({ status: 200, ok: true, body: 'ok', host: new URL(receiver.origin).host });
  expect(receiver.requests[0]).toMatchObject({ method: 'POST', body: '{"text":"hello","blocks":[]}' });
});

test('adds a suffix and a query to the path of the address', async () => {
  await using receiver = await startReceiver();
  const url = new Secret(`${receiver.pingUrl}/?create=1`);
  await http.send({ method: 'GET', url, suffix: '/start', query: { rid: 'a b' }, ...LIMIT });
  expect(receiver.requests[0]).toMatchObject({
    path: `${new URL(receiver.pingUrl).pathname}/start`,
    query: { create: '1', rid: 'a b' },
    body: '',
  });
});

test('sends a user and password of the address as basic authentication', async () => {
  await using receiver = await startReceiver();
  const url = new Secret(receiver.webhookUrl.replace('http://', 'http://ana:p%40ss@'));
  await http.send({ method: 'GET', url, ...LIMIT });
  expect(receiver.requests[0]?.headers['authorization']).toBe(`Basic ${Buffer.from('ana:p@ss').toString('base64')}`);
});

test('never follows a redirect', async () => {
  await using receiver = await startReceiver();
  receiver.next({ status: 302, headers: { location: '/services/elsewhere' } });
  const answer = await http.send({ method: 'GET', url: new Secret(receiver.webhookUrl), ...LIMIT });
  expect(answer).toMatchObject({ status: 302, ok: false });
  expect(receiver.requests).toHaveLength(1);
});

test('hands over Retry-After as it came', async () => {
  await using receiver = await startReceiver();
  receiver.next({ status: 429, headers: { 'retry-after': '7' } });
  const answer = await http.send({ method: 'GET', url: new Secret(receiver.webhookUrl), ...LIMIT });
  expect(answer).toMatchObject({ status: 429, ok: false, retryAfter: '7' });
});

test('gives up on a server that takes the request and never answers', async () => {
  await using receiver = await startReceiver();
  receiver.always({ hang: true });
  const error = await failureOf(
    http.send({ method: 'POST', url: new Secret(receiver.slackUrl), body: '{}', timeoutMs: 50 }),
  );
  expect(error.code).toBe('HTTP_FAILED');
  expect(error.message).toBe(`${new URL(receiver.origin).host} did not answer within 50 ms`);
});

test('stops at the signal', async () => {
  await using receiver = await startReceiver();
  receiver.always({ hang: true });
  const stop = new AbortController();
  const sent = failureOf(
    http.send({ method: 'GET', url: new Secret(receiver.slackUrl), signal: stop.signal, ...LIMIT }),
  );
  await receiver.arrived(1);
  stop.abort();
  expect((await sent).code).toBe('CANCELLED');
});

test.each([
  ['nobody listens', 'http://127.0.0.1:1/services/planted-secret?token=planted-secret', 'HTTP_FAILED'],
  ['a password with a broken escape', 'http://ana:planted-secret%zz@127.0.0.1:1/', 'HTTP_FAILED'],
  ['no URL at all', 'planted-secret is no URL', 'CONFIG_INVALID'],
  ['another protocol', 'ftp://planted-secret@127.0.0.1/', 'CONFIG_INVALID'],
  ['a port that fetch refuses', 'http://127.0.0.1:22/planted-secret', 'HTTP_FAILED'],
])('keeps the address out of errors: %s', async (_, url, code) => {
  const error = await failureOf(http.send({ method: 'GET', url: new Secret(url), ...LIMIT }));
  expect(error.code).toBe(code);
  expect(everythingOf(error)).not.toContain('planted-secret');
});

test('reads no more than 64 kB of an answer', async () => {
  await using receiver = await startReceiver();
  receiver.next({ status: 200, body: 'x'.repeat(1_000_000), endless: true });
  const answer = await http.send({ method: 'GET', url: new Secret(receiver.webhookUrl), timeoutMs: 3_600_000 });
  expect(answer.body.length).toBe(64 * 1_024);
});

test('counts an answer whose body never ends by its status', async () => {
  await using receiver = await startReceiver();
  receiver.next({ status: 200, body: 'o', endless: true });
  const answer = await http.send({ method: 'GET', url: new Secret(receiver.webhookUrl), timeoutMs: 300 });
  expect(answer).toMatchObject({ ok: true, body: 'o' });
});

test.each([
  ['https://hooks.example.com/x', true],
  ['http://localhost:8080', true],
  ['hooks.example.com/x', false],
  ['file:///etc/passwd', false],
  ['', false],
])('knows whether %s can be an address', (text, expected) => {
  expect(isHttpUrl(new Secret(text))).toBe(expected);
});
