import { expect, test } from 'vitest';
import { newSwitchRecord, ping, type Pinged, type SwitchRecord } from '../../../src/alerts/dead-man/listen.ts';
import { tailOf } from '../../../src/alerts/dead-man/ping.ts';
import { deadManSettings } from '../../../src/alerts/dead-man/settings.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { sendingFor } from '../../support/sending.ts';

const RUN = '11111111-2222-4333-8444-555555555555';
const PING_KEY = 'pingKeyIsASecretOf22Ch';

interface Moment {
  readonly exitCode?: number;
  readonly log?: string;
  readonly run?: string;
  readonly record?: SwitchRecord;
}

/** Pings a switch of this configuration: the start of a run, or with an exit code its end. */
async function pingOnce(settings: object, { exitCode, log = '', run = RUN, record }: Moment = {}): Promise<Pinged> {
  const [listener] = await deadManSettings.parseAsync([settings]);
  if (listener === undefined) throw new Error('one switch expected');
  const end = exitCode === undefined ? undefined : { exitCode, summary: `daily: ${exitCode}`, log };
  return ping({ ...sendingFor(), listener, record: record ?? newSwitchRecord('1'), run, end });
}

const seen = (receiver: Receiver) => receiver.requests.map(({ path, query }) => ({ path, query }));

test('pings start and end of a run with the same id, and the exit code as the last word', async () => {
  await using receiver = await startReceiver();
  const check = { type: 'healthchecks', url: receiver.pingUrl };
  for (const moment of [{}, { exitCode: 0 }, { exitCode: 143 }])
    expect(await pingOnce(check, moment)).toMatchObject({ error: null });
  const { pathname } = new URL(receiver.pingUrl);
  expect(receiver.requests.map(({ path, query, body }) => ({ path, query, body }))).toEqual([
    { path: `${pathname}/start`, query: { rid: RUN }, body: '' },
    { path: `${pathname}/0`, query: { rid: RUN }, body: '' },
    { path: `${pathname}/143`, query: { rid: RUN }, body: '' },
  ]);
});

test('finds a check by ping key and slug, and makes it where it is asked to', async () => {
  await using receiver = await startReceiver();
  const check = {
    type: 'healthchecks',
    base: `${receiver.origin}/ping`,
    pingKey: PING_KEY,
    slug: 'shop-daily',
    create: true,
  };
  expect(await pingOnce(check, { exitCode: 0 })).toMatchObject({ error: null });
  expect(seen(receiver)).toEqual([{ path: `/ping/${PING_KEY}/shop-daily/0`, query: { rid: RUN, create: '1' } }]);
});

test('sends the end of the log only when asked to, and no more of it than the server said at the start', async () => {
  await using receiver = await startReceiver();
  receiver.next({ headers: { 'ping-body-limit': '2000' } });
  const check = { type: 'healthchecks', url: receiver.pingUrl };
  const log = Array.from({ length: 500 }, (_, index) => `line ${index} größer`).join('\n');
  const { record } = await pingOnce({ ...check, log: true });
  await pingOnce({ ...check, log: true }, { exitCode: 1, log, record });
  await pingOnce({ ...check, log: true }, { exitCode: 1, log: log.repeat(9) });
  await pingOnce(check, { exitCode: 1, log });
  const [, short = '', long = '', none] = receiver.requests.map(({ body }) => body);
  expect(receiver.requests.flatMap(({ violation }) => violation ?? [])).toEqual([]);
  expect(short).toMatch(/^line \d+ größer\n/);
  expect(short.endsWith('line 499 größer')).toBe(true);
  expect(Buffer.byteLength(short)).toBeGreaterThan(1_900);
  expect(Buffer.byteLength(short)).toBeLessThanOrEqual(2_000);
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(10_000);
  expect(none).toBe('');
  expect(tailOf('a line that is longer than the limit', 10)).toBe('');
});

test('takes everything but 2xx for a ping that nobody heard, and says what has to be corrected only once', async () => {
  await using receiver = await startReceiver();
  const check = { type: 'healthchecks', url: receiver.pingUrl };
  let record = newSwitchRecord('1');
  const told: unknown[] = [];
  for (const status of [404, 404, 409, 400, 302, 200, 404]) {
    receiver.next({ status });
    const pinged = await pingOnce(check, { exitCode: 0, record });
    record = pinged.record;
    told.push([status, pinged.error !== null, pinged.isKnown]);
  }
  expect(told).toEqual([
    [404, true, false],
    [404, true, true],
    [409, true, false],
    [400, true, false],
    [302, true, false],
    [200, false, false],
    [404, true, false],
  ]);
  expect(receiver.requests).toHaveLength(7);
});

test('tries five times at the end, and never throws', async () => {
  await using receiver = await startReceiver();
  const check = { type: 'healthchecks', url: receiver.pingUrl };
  receiver.next({ status: 500 }, { status: 500 }, { status: 500 }, { drop: true });
  expect(await pingOnce(check, { exitCode: 0 })).toMatchObject({ error: null });
  expect(receiver.requests).toHaveLength(5);
  const gone = await pingOnce({ ...check, url: 'http://127.0.0.1:1/planted' });
  expect(gone).toMatchObject({ error: expect.stringContaining('127.0.0.1:1 cannot be reached'), isKnown: false });
  expect(await pingOnce(check, { run: 'run-7' })).toMatchObject({ error: expect.stringContaining('answered 400') });
  expect(JSON.stringify(gone)).not.toContain('planted');
});

test('speaks with Uptime Kuma, Cronitor and plain addresses too', async () => {
  await using receiver = await startReceiver();
  const kuma = { type: 'uptime-kuma', url: `${receiver.uptimeKumaUrl}?status=up&msg=OK&ping=` };
  const cronitor = {
    type: 'cronitor',
    base: `${receiver.origin}/cronitor`,
    apiKey: 'apiKeyIsASecret',
    monitor: 'shop-daily',
  };
  const urls = {
    type: 'urls',
    success: `${receiver.origin}/called/success`,
    failure: `${receiver.origin}/called/failure`,
  };
  for (const each of [kuma, cronitor, urls])
    for (const moment of [{}, { exitCode: 0 }, { exitCode: 4 }])
      expect(await pingOnce(each, moment)).toMatchObject({ error: null });
  expect(receiver.requests.flatMap(({ violation }) => violation ?? [])).toEqual([]);
  const kumaPath = new URL(receiver.uptimeKumaUrl).pathname;
  const path = '/cronitor/ping/apiKeyIsASecret/shop-daily';
  expect(seen(receiver)).toEqual([
    { path: kumaPath, query: { status: 'up', msg: 'daily: 0', ping: '' } },
    { path: kumaPath, query: { status: 'down', msg: 'daily: 4', ping: '' } },
    { path, query: { state: 'run', series: RUN } },
    { path, query: { state: 'complete', series: RUN, msg: 'daily: 0', status_code: '0' } },
    { path, query: { state: 'fail', series: RUN, msg: 'daily: 4', status_code: '4' } },
    { path: '/called/success', query: {} },
    { path: '/called/failure', query: {} },
  ]);
});

test.each([
  [{ type: 'healthchecks' }, 'must have either url, or both pingKey and slug'],
  [{ type: 'healthchecks', pingKey: PING_KEY }, 'must have either url, or both pingKey and slug'],
  [{ type: 'healthchecks', url: 'https://a.example', slug: 'x' }, 'must have either url, or both pingKey and slug'],
  [{ type: 'healthchecks', pingKey: PING_KEY, slug: 'Shop' }, 'must be lower-case'],
  [{ type: 'uptime-kuma', url: 'planted' }, 'must be an http:// or https:// URL'],
  [{ type: 'pigeon' }, ''],
])('refuses %j', async (settings, expected) => {
  const result = await deadManSettings.safeParseAsync([settings]);
  const messages = result.error?.issues.map(({ message }) => message).join('\n') ?? 'nothing was wrong';
  expect(messages).toContain(expected);
  expect(result.success).toBe(false);
  expect(messages).not.toContain('planted');
});
