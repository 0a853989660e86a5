import { expect, test } from 'vitest';
import { deliver, type Delivery } from '../../src/alerts/deliver.ts';
import { testMessage, type AlertMessage } from '../../src/alerts/message.ts';
import { messageOf, notificationOf } from '../support/notifications.ts';
import { startReceiver, type Behaviour, type Receiver } from '../support/receiver.ts';
import { sendingFor, settingsFor } from '../support/sending.ts';

const MESSAGE = messageOf([notificationOf()]);

interface Result {
  readonly deliveries: readonly Delivery[];
  readonly waits: readonly number[];
}

async function send(
  receiver: Receiver,
  names: readonly string[],
  message: AlertMessage = MESSAGE,
  timeoutMs = 20_000,
): Promise<Result> {
  const { waits, ...sending } = sendingFor();
  const settings = await settingsFor(receiver);
  const channels = settings.channels.filter(({ name }) => names.includes(name));
  return { deliveries: await deliver({ ...sending, message, channels, timeoutMs }), waits };
}

const answers = (...statuses: readonly number[]): readonly Behaviour[] => statuses.map((status) => ({ status }));

test('gives every channel its own words, and both receivers accept them', async () => {
  await using receiver = await startReceiver();
  const { deliveries } = await send(receiver, ['slack', 'hook']);
  expect(deliveries).toMatchObject([
    { channel: 'slack', delivered: true, attempts: 1, status: 200, error: null },
    { channel: 'hook', delivered: true, attempts: 1, status: 200, error: null },
  ]);
  expect(receiver.accepted()).toHaveLength(2);
  expect(deliveries.every(({ latencyMs }) => latencyMs !== null && latencyMs >= 0)).toBe(true);
});

test('gives a channel only what is meant for it', async () => {
  await using receiver = await startReceiver();
  const recovery = notificationOf({ reason: 'recovered', step: 'only for hook', channels: ['hook'] });
  const { deliveries } = await send(receiver, ['slack', 'hook'], messageOf([recovery]));
  expect(deliveries.map(({ channel }) => channel)).toEqual(['hook']);
  expect(receiver.requests).toHaveLength(1);
});

test('tries a busy server three times, a second and four seconds apart, always under the same id', async () => {
  await using receiver = await startReceiver();
  receiver.next(...answers(500, 503));
  const { deliveries, waits } = await send(receiver, ['hook']);
  expect(deliveries).toMatchObject([{ delivered: true, attempts: 3 }]);
  expect(waits).toHaveLength(2);
  expect(waits[0]).toBeGreaterThanOrEqual(750);
  expect(waits[0]).toBeLessThanOrEqual(1_250);
  expect(waits[1]).toBeGreaterThanOrEqual(3_000);
  expect(waits[1]).toBeLessThanOrEqual(5_000);
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([MESSAGE.id]));
  expect(new Set(receiver.requests.map(({ body }) => body)).size).toBe(1);
});

test('gives up after the third failure', async () => {
  await using receiver = await startReceiver();
  receiver.always({ status: 500 });
  const { deliveries } = await send(receiver, ['hook']);
  expect(deliveries).toMatchObject([{ delivered: false, attempts: 3, status: 500, permanent: false }]);
  expect(receiver.requests).toHaveLength(3);
});

test.each([
  ['2', 2_000, 2_000],
  ['3600', 60_000, 60_000],
  ['soon', 750, 1_250],
  ['-5', 750, 1_250],
  [new Date(Date.now() + 40_000).toUTCString(), 20_000, 40_000],
])('waits as long as "Retry-After: %s" says, but no longer than a minute', async (header, least, most) => {
  await using receiver = await startReceiver();
  receiver.next({ status: 429, headers: { 'retry-after': header } });
  const { deliveries, waits } = await send(receiver, ['slack']);
  expect(deliveries).toMatchObject([{ delivered: true, attempts: 2 }]);
  expect(waits[0]).toBeGreaterThanOrEqual(least);
  expect(waits[0]).toBeLessThanOrEqual(most);
});

test.each([400, 401, 403, 404, 410, 302, 301, 413])('stops at once at status %i', async (status) => {
  await using receiver = await startReceiver();
  receiver.always({ status, headers: { location: '/services/elsewhere' } });
  const { deliveries, waits } = await send(receiver, ['slack']);
  expect(deliveries).toMatchObject([{ delivered: false, attempts: 1, status, permanent: true }]);
  expect(waits).toEqual([]);
  expect(receiver.requests).toHaveLength(1);
});

test('takes a receiver that never answers for a failure', async () => {
  await using receiver = await startReceiver();
  receiver.always({ hang: true });
  const { deliveries } = await send(receiver, ['hook'], MESSAGE, 50);
  expect(deliveries).toMatchObject([
    { delivered: false, attempts: 3, status: null, latencyMs: null, permanent: false },
  ]);
  expect(deliveries[0]?.error).toMatch(/^127\.0\.0\.1:\d+ did not answer within 50 ms$/);
});

test('takes a slow answer, if it comes in time', async () => {
  await using receiver = await startReceiver();
  receiver.always({ delayMs: 200 });
  const { deliveries } = await send(receiver, ['slack', 'hook']);
  expect(deliveries.map(({ delivered, attempts }) => [delivered, attempts])).toEqual([
    [true, 1],
    [true, 1],
  ]);
});

test('does not let a broken channel keep the other from its message', async () => {
  await using receiver = await startReceiver();
  const settings = await settingsFor(receiver, {
    channels: [
      { name: 'dead', type: 'slack', url: 'http://127.0.0.1:1/services/planted' },
      { name: 'slack', type: 'slack', url: receiver.slackUrl },
    ],
  });
  const deliveries = await deliver({
    ...sendingFor(),
    message: MESSAGE,
    channels: settings.channels,
    timeoutMs: 20_000,
  });
  expect(deliveries).toMatchObject([
    { channel: 'dead', delivered: false, attempts: 3 },
    { channel: 'slack', delivered: true },
  ]);
  expect(deliveries[0]?.error).not.toContain('planted');
});

test('stops trying at the signal', async () => {
  await using receiver = await startReceiver();
  receiver.always({ status: 500 });
  const stop = new AbortController();
  const { channels } = await settingsFor(receiver);
  const wait = () => Promise.resolve(stop.abort());
  const deliveries = await deliver({
    ...sendingFor(),
    wait,
    signal: stop.signal,
    message: MESSAGE,
    channels: channels.slice(1),
    timeoutMs: 20_000,
  });
  expect(deliveries).toMatchObject([{ delivered: false, attempts: 1 }]);
});

test('sends a test message the same way', async () => {
  await using receiver = await startReceiver();
  const message = testMessage({
    run: '11111111-2222-4333-8444-555555555555',
    project: 'shop',
    host: 'db1',
    now: new Date(),
  });
  const { deliveries } = await send(receiver, ['slack', 'hook'], message);
  expect(deliveries).toMatchObject([{ delivered: true }, { delivered: true }]);
  expect(receiver.requests.map(({ body }) => body).join('\n')).toContain('maint.alert.test');
});

test('is refused when the signature is made with another key', async () => {
  await using receiver = await startReceiver(`whsec_${Buffer.alloc(24, 1).toString('base64')}`);
  const { deliveries } = await send(receiver, ['hook']);
  expect(deliveries).toMatchObject([{ delivered: false, attempts: 1, status: 400, permanent: true }]);
  expect(receiver.requests[0]?.violation).toBe('bad_signature');
});
