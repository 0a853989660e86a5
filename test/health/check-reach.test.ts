import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { health } from '../../src/tasks/health.ts';
import { openWorkshop, type Made, type Workshop } from '../support/certificates.ts';
import { serveNames } from '../support/dns-server.ts';
import { closedPort, serveLines } from '../support/line-server.ts';
import { lookOnce, questionsOf } from '../support/looking.ts';
import { startS3Server } from '../support/s3-server.ts';

const ONCE = { retryAfter: '1ms', warnAfter: '4s' };

let workshop: Workshop;
let certificate: Made;

beforeAll(() => {
  workshop = openWorkshop();
  certificate = workshop.make({ name: 'mail', names: 'DNS:localhost,IP:127.0.0.1' });
});
afterAll(() => workshop[Symbol.dispose]());

describe('tcp', () => {
  test('a port that takes connections is fine, and leaves its time', async () => {
    await using server = await serveLines({ answer: () => undefined });
    expect(await lookOnce('tcp', { tcp: [{ host: '127.0.0.1', port: server.port, ...ONCE }] })).toMatchObject({
      status: 'done',
      summary: expect.stringMatching(/^takes connections, in \d/),
      samples: [{ name: 'tcp.connect', subject: `127.0.0.1:${server.port}`, unit: 'seconds' }],
    });
  });

  test('a port that takes none fails after the second try, and says how to look', async () => {
    const port = await closedPort();
    expect(await lookOnce('tcp', { tcp: [{ host: '127.0.0.1', port, ...ONCE }] })).toMatchObject({
      status: 'fail',
      summary: `127.0.0.1 port ${port}: connection refused`,
      facts: { tries: 2 },
      remediation: expect.arrayContaining([`nc -vz -w 5 '127.0.0.1' ${port}`]),
    });
  });

  test('the signal ends the wait between two tries', async () => {
    const port = await closedPort();
    const signal = AbortSignal.timeout(50);
    const settings = { tcp: [{ host: '127.0.0.1', port, retryAfter: '1h' }] };
    await expect(lookOnce('tcp', settings, { signal })).rejects.toThrow(/timeout/i);
  });

  test('how urgent a failure is can be said of each', async () => {
    const tcp = [
      { host: 'a', port: 1 },
      { host: 'b', port: 1, alertClass: 'page' },
    ];
    expect((await questionsOf('tcp', { tcp })).map(({ alertClass }) => alertClass)).toEqual([undefined, 'page']);
    expect(health.settings.safeParse({ tcp: [tcp[0], tcp[0]] }).error?.message).toContain('give them a name each');
  });
});

/** As much of Redis as a login and a PING need. */
const redis = (password: string) => {
  let isIn = false;
  const words: string[] = [];
  return (line: string): string | undefined => {
    if (/^[*$]\d+$/.test(line)) return undefined;
    words.push(line);
    if (line === 'memory') return 'hang up';
    if (line === 'PING') return isIn ? '+PONG\n' : '-NOAUTH Authentication required.\n';
    if (words.at(-2) !== 'AUTH') return undefined;
    isIn = words.at(-1) === password;
    return isIn ? '+OK\n' : '-WRONGPASS invalid username-password pair or user is disabled.\n';
  };
};

describe('redis', () => {
  test('a server that answers PING after a login is fine, and the password is in no report', async () => {
    await using server = await serveLines({ answer: redis('p@ss w0rd') });
    const url = `redis://:${encodeURIComponent('p@ss w0rd')}@127.0.0.1:${server.port}`;
    const outcome = await lookOnce('redis', { redis: [{ url, ...ONCE }] });
    expect(outcome).toMatchObject({ status: 'done', summary: expect.stringMatching(/^PONG in /) });
    expect(server.heard).toContain('p@ss w0rd');
    expect(JSON.stringify(outcome)).not.toContain('ss w0rd');
  });

  test.each([
    ['wr0ng@', 'answered AUTH with -WRONGPASS invalid username-password pair or user is disabled.'],
    ['', 'answered PING with -NOAUTH Authentication required.'],
  ])('a refusal fails and says what the server said: %s', async (login, summary) => {
    await using server = await serveLines({ answer: redis('right') });
    const url = `redis://${login === '' ? '' : `:${login}`}127.0.0.1:${server.port}`;
    const outcome = await lookOnce('redis', { redis: [{ url, ...ONCE }] });
    expect(outcome).toMatchObject({ status: 'fail', summary });
    expect(JSON.stringify(outcome)).not.toContain('wr0ng');
  });

  test('a server that takes the connection and says nothing fails in time', async () => {
    await using server = await serveLines({ answer: () => undefined });
    const url = `redis://127.0.0.1:${server.port}`;
    expect(await lookOnce('redis', { redis: [{ url, timeout: '50ms', retryAfter: '1ms' }] })).toMatchObject({
      status: 'fail',
      summary: expect.stringMatching(/no answer within 50 ms$/),
    });
  });

  test('an address that is none is refused', async () => {
    const wrong = await health.settings.safeParseAsync({ redis: [{ url: 'cache:6379' }] });
    expect(wrong.error?.message).toContain('must be redis:// or rediss://');
  });
});

const mail = (line: string): string | undefined => {
  if (line.startsWith('EHLO')) return '250-mail.example\n250-SIZE 1000\n250 STARTTLS\n';
  if (line === 'STARTTLS') return '220 go ahead\n';
  return line === 'QUIT' ? 'hang up' : undefined;
};

describe('smtp', () => {
  test('a server that greets and goes on in TLS is fine, and is told goodbye in TLS', async () => {
    await using server = await serveLines({ greeting: '220 mail.example ESMTP', answer: mail, certificate });
    const smtp = [{ host: '127.0.0.1', port: server.port, ...ONCE }];
    expect(await lookOnce('smtp', { smtp })).toMatchObject({
      status: 'done',
      summary: expect.stringMatching(/^greets, and speaks TLS, in /),
    });
    await expect.poll(() => server.heard).toEqual(['EHLO maint.invalid', 'STARTTLS', 'QUIT']);
  });

  test.each([
    ['554 no', mail, 'answered the connection with 554 no'],
    ['220 hi', () => '250 mail.example\n', 'greets, but does not offer STARTTLS'],
    ['220 hi', () => '421 too busy\n', 'answered EHLO with 421 too busy'],
    ['220 hi', () => 'hang up', 'it closed the connection'],
  ])('a greeting of %s that leads to nothing fails: %#', async (greeting, answer, summary) => {
    await using server = await serveLines({ greeting, answer });
    const outcome = await lookOnce('smtp', { smtp: [{ host: '127.0.0.1', port: server.port, ...ONCE }] });
    expect(outcome).toMatchObject({ status: 'fail', summary: expect.stringContaining(summary) });
  });

  test('without STARTTLS the greeting is enough where the settings say so', async () => {
    await using server = await serveLines({ greeting: '220 hi', answer: () => '250 mail.example\n' });
    const smtp = [{ host: '127.0.0.1', port: server.port, startTls: false, ...ONCE }];
    expect(await lookOnce('smtp', { smtp })).toMatchObject({ status: 'done' });
  });
});

describe('dns', () => {
  test('the expected addresses are fine in any order; others fail; a name that is gone fails', async () => {
    await using names = await serveNames({ 'app.example': ['192.0.2.7', '192.0.2.4'] });
    const ask = (more: object) =>
      lookOnce('dns', { dns: [{ host: 'app.example', server: names.address, ...ONCE, ...more }] });
    expect(await ask({ expect: ['192.0.2.7', '192.0.2.4'] })).toMatchObject({
      status: 'done',
      facts: { answer: ['192.0.2.4', '192.0.2.7'] },
    });
    expect(await ask({})).toMatchObject({ status: 'done' });
    expect(await ask({ expect: ['192.0.2.7'] })).toMatchObject({
      status: 'fail',
      summary: 'app.example is 192.0.2.4, 192.0.2.7, expected 192.0.2.7',
    });
    expect(await ask({ host: 'gone.example' })).toMatchObject({
      status: 'fail',
      summary: 'gone.example: the name is not known',
      remediation: expect.arrayContaining([`dig @${names.address} 'gone.example' A`]),
    });
  });
});

describe('object storage', () => {
  test('a bucket that lists is fine; a refused key and a service that is away fail', async () => {
    await using server = await startS3Server();
    const { accessKeyId, secretAccessKey } = server.owner;
    const ask = (more: object) =>
      lookOnce('object-storage', {
        objectStorage: [
          { bucket: server.bucket, endpoint: server.origin, accessKeyId, secretAccessKey, ...ONCE, ...more },
        ],
      });
    expect(await ask({})).toMatchObject({ status: 'done', summary: expect.stringMatching(/^answers in /) });
    expect(await ask({ secretAccessKey: 'wr0ng' })).toMatchObject({ status: 'fail', facts: { tries: 2 } });
    expect(await ask({ bucket: 'no-such-bucket' })).toMatchObject({ status: 'fail' });
    const away = { endpoint: `http://127.0.0.1:${await closedPort()}`, timeout: '1s' };
    expect(JSON.stringify(await ask(away))).toMatch(/"status":"fail"/);
  });
});
