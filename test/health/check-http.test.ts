import { createServer, type RequestListener } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { expect, test } from 'vitest';
import { checkHttp, endpointsSetting } from '../../src/health/check-http.ts';
import { around, series } from '../support/looking.ts';

/** A server of its own for one test; every connection ends with it. */
async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/healthz`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function check(endpoint: object, signal = new AbortController().signal, usualSeconds: readonly number[] = []) {
  const [parsed] = endpointsSetting.parse([{ retryAfter: '1ms', ...endpoint }]);
  if (parsed === undefined) throw new Error('no endpoint');
  const now = new Date();
  const history = { samples: () => series(usualSeconds, 3_600_000, now) };
  return checkHttp(parsed, around({ signal, history, now: () => now }));
}

test('an endpoint that answers is fine, and leaves its time for the trend', async () => {
  await using server = await serve((_, response) => response.end('all is well'));
  expect(await check({ url: server.url, contains: 'is well', name: 'app' })).toMatchObject({
    status: 'done',
    summary: expect.stringMatching(/^200 in \d/),
    facts: { tries: 1, status: 200 },
    samples: [{ name: 'http.response', subject: 'app', unit: 'seconds', value: expect.any(Number) }],
  });
});

test('a server error fails after the second try', async () => {
  let requests = 0;
  await using server = await serve((_, response) => {
    requests += 1;
    response.writeHead(500).end();
  });
  expect(await check({ url: server.url })).toMatchObject({
    status: 'fail',
    summary: 'answered 500 instead of 200',
    facts: { tries: 2, status: 500 },
    remediation: [expect.stringContaining(`'${server.url}'`), expect.any(String)],
  });
  expect(requests).toBe(2);
});

test('a single failed try is forgiven, and told', async () => {
  let requests = 0;
  await using server = await serve((_, response) => {
    requests += 1;
    response.writeHead(requests === 1 ? 503 : 200).end();
  });
  expect(await check({ url: server.url })).toMatchObject({
    status: 'done',
    summary: expect.stringMatching(/^200 in .*; first try: answered 503 instead of 200$/),
  });
});

test('a redirect is not followed', async () => {
  const visited: unknown[] = [];
  await using server = await serve((request, response) => {
    visited.push(request.url);
    response.writeHead(302, { location: '/moved?next=secret' }).end();
  });
  expect(await check({ url: server.url })).toMatchObject({
    status: 'fail',
    summary: `answered 302 to ${server.url.replace('healthz', 'moved')} instead of 200`,
  });
  expect(visited).toEqual(['/healthz', '/healthz']);
  expect(await check({ url: server.url, expectStatus: 302 })).toMatchObject({ status: 'done' });
});

test('a body without the expected text fails', async () => {
  await using server = await serve((_, response) => response.end('maintenance page'));
  expect(await check({ url: server.url, contains: 'is well' })).toMatchObject({
    status: 'fail',
    summary: 'answered 200 without the expected text',
  });
});

test('an endless body ends at its first mebibyte', async () => {
  await using server = await serve((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  });
  expect(await check({ url: server.url })).toMatchObject({ status: 'done' });
});

test('an endpoint that accepts and never answers fails at its timeout', async () => {
  await using server = await serve(() => undefined);
  expect(await check({ url: server.url, timeout: '100ms', warnAfter: '50ms' })).toMatchObject({
    status: 'fail',
    summary: `${server.url}: no whole answer within 100 ms`,
    facts: { status: null, tries: 2 },
  });
});

test('an answer that stops half way fails at its timeout', async () => {
  await using server = await serve((_, response) => void response.write('half an ans'));
  expect(await check({ url: server.url, timeout: '100ms', warnAfter: '50ms' })).toMatchObject({
    status: 'fail',
    summary: expect.stringContaining('no whole answer'),
  });
});

test('a slow answer warns', async () => {
  await using server = await serve((_, response) => void setTimeout(() => response.end(), 50));
  expect(await check({ url: server.url, warnAfter: '10ms' })).toMatchObject({
    status: 'warn',
    summary: expect.stringMatching(/^slow: 200 in \d/),
    remediation: [expect.stringContaining('curl'), expect.any(String)],
  });
});

test('a port where nobody listens fails', async () => {
  const { url, [Symbol.asyncDispose]: close } = await serve(() => undefined);
  await close();
  expect(await check({ url })).toMatchObject({ status: 'fail', summary: expect.stringContaining('ECONNREFUSED') });
});

test('something that does not speak HTTP fails', async () => {
  const server = createSocketServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('220 mail ready\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  expect(await check({ url: `http://127.0.0.1:${port}/` })).toMatchObject({ status: 'fail' });
  await new Promise((resolve) => server.close(resolve));
});

test('user, password and query reach the endpoint and no report', async () => {
  const seen: unknown[] = [];
  await using server = await serve((request, response) => {
    seen.push(request.url, request.headers.authorization);
    response.writeHead(500).end();
  });
  const url = `${server.url.replace('://', '://ann:hunter2@')}?token=t0psecret`;
  const told = JSON.stringify(await check({ url }));
  expect(seen.slice(0, 2)).toEqual(['/healthz?token=t0psecret', `Basic ${btoa('ann:hunter2')}`]);
  expect(told).not.toMatch(/hunter2|t0psecret|ann/);
  expect(told).toContain('/healthz');
});

test('the signal ends a hung try, and the wait between two tries', async () => {
  await using hung = await serve(() => undefined);
  await using broken = await serve((_, response) => response.writeHead(500).end());
  await expect(check({ url: hung.url }, AbortSignal.timeout(50))).rejects.toThrow(/timeout/i);
  await expect(check({ url: broken.url, retryAfter: '1h' }, AbortSignal.timeout(50))).rejects.toThrow(/abort/i);
});

test.each([
  [[{ url: 'ftp://host/' }], 'write an address that starts with http:// or https://'],
  [[{ url: 'nonsense' }], 'write an address that starts with http:// or https://'],
  [[{ url: 'http://a/' }, { url: 'http://a/?x=1' }], 'give them a name each'],
  [[{ url: 'http://a/', warnAfter: '9s' }], 'warnAfter must be shorter than timeout'],
])('settings that make no sense are refused: %o', (input, complaint) => {
  expect(endpointsSetting.safeParse(input).error?.message).toContain(complaint);
});

test('an answer that is slower than usual warns, where people would notice', async () => {
  await using server = await serve((_, response) => void setTimeout(() => response.end('ok'), 150));
  const usually = (seconds: number) => check({ url: server.url }, undefined, Array<number>(10).fill(seconds));
  expect(await usually(0.01)).toMatchObject({
    status: 'warn',
    summary: expect.stringMatching(/^slower than usual: 200 in .*, usually 10 ms$/),
  });
  expect(await usually(0.9)).toMatchObject({ status: 'done' });
  expect(await check({ url: server.url }, undefined, [0.01, 0.01])).toMatchObject({ status: 'done' });
});

test('a redirect to a login page is called one', async () => {
  await using server = await serve((_, response) => response.writeHead(302, { location: '/auth/login?next=/' }).end());
  expect(await check({ url: server.url })).toMatchObject({
    status: 'fail',
    summary: expect.stringMatching(/^answered 302 to a login page, http:.*\/auth\/login instead of 200$/),
  });
});
