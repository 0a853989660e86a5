import { expect, test } from 'vitest';
import { pingEnd, pingStart, type HeartbeatRequest } from '../../src/alerts/heartbeat.ts';
import { Secret } from '../../src/base/secret.ts';
import { startReceiver } from '../support/receiver.ts';
import { sendingFor } from '../support/sending.ts';

const RUN = '11111111-2222-4333-8444-555555555555';

function requestFor(url: string, runId = RUN): HeartbeatRequest {
  return { ...sendingFor(), url: new Secret(url), runId };
}

test('pings start and end with the same run, and the exit code as the last word', async () => {
  await using receiver = await startReceiver();
  expect(await pingStart(requestFor(receiver.pingUrl))).toEqual({ ok: true, error: null });
  expect(await pingEnd(requestFor(receiver.pingUrl), 0)).toEqual({ ok: true, error: null });
  expect(await pingEnd(requestFor(receiver.pingUrl), 143)).toEqual({ ok: true, error: null });
  const { pathname } = new URL(receiver.pingUrl);
  expect(receiver.requests.map(({ path, query, body }) => ({ path, query, body }))).toEqual([
    { path: `${pathname}/start`, query: { rid: RUN }, body: '' },
    { path: `${pathname}/0`, query: { rid: RUN }, body: '' },
    { path: `${pathname}/143`, query: { rid: RUN }, body: '' },
  ]);
});

test('takes everything but 2xx for a ping that nobody heard', async () => {
  await using receiver = await startReceiver();
  for (const status of [302, 400, 404, 409]) {
    receiver.next({ status });
    expect(await pingEnd(requestFor(receiver.pingUrl), 0)).toMatchObject({ ok: false });
  }
  expect(receiver.requests).toHaveLength(4);
});

test('tries three times when the switch is busy', async () => {
  await using receiver = await startReceiver();
  receiver.next({ status: 500 }, { status: 500 });
  expect(await pingEnd(requestFor(receiver.pingUrl), 0)).toEqual({ ok: true, error: null });
  expect(receiver.requests).toHaveLength(3);
});

test('answers, and does not throw, when nobody is there or the address is no URL', async () => {
  const gone = await pingStart(requestFor('http://127.0.0.1:1/planted'));
  expect(gone).toEqual({ ok: false, error: expect.stringContaining('127.0.0.1:1 cannot be reached') });
  const wrong = await pingStart(requestFor('planted'));
  expect(wrong).toEqual({ ok: false, error: 'the address is not an http:// or https:// URL' });
  expect(JSON.stringify([gone, wrong])).not.toContain('planted');
});

test('is refused by the switch when the run is no UUID', async () => {
  await using receiver = await startReceiver();
  expect(await pingStart(requestFor(receiver.pingUrl, 'run-7'))).toMatchObject({ ok: false });
  expect(receiver.requests).toHaveLength(1);
});
