import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { testMessage } from '../../../src/alerts/message.ts';
import { webhookBody, webhookHeaders } from '../../../src/alerts/channels/webhook.ts';
import { Secret } from '../../../src/base/secret.ts';
import { messageOf, notificationOf } from '../../support/notifications.ts';

test('writes type, time of the run and one entry for each problem', () => {
  expect(JSON.parse(webhookBody(messageOf([notificationOf(), notificationOf({ reason: 'recovered' })])))).toEqual({
    type: 'maint.alert.firing',
    timestamp: '2026-11-21T02:00:00.000Z',
    data: {
      subject: 'FAIL: health, disk /: 99 % full (and 1 more) · shop on db1',
      project: 'shop',
      host: 'db1',
      command: 'daily',
      run: '0f0e0d0c-0b0a-4908-8706-050403020100',
      more: 0,
      alerts: [
        {
          status: 'firing',
          fingerprint: '0123456789abcdef',
          reason: 'first',
          severity: 'fail',
          class: 'ticket',
          impact: null,
          owner: null,
          note: null,
          task: 'health',
          step: 'disk /',
          summary: '99 % full',
          remediation: ['df -h /'],
          firstSeenAt: '2026-11-21T02:00:00.000Z',
        },
        expect.objectContaining({ status: 'resolved', reason: 'recovered' }),
      ],
    },
  });
});

test('calls good news alone resolved, and a test a test', () => {
  expect(webhookBody(messageOf([notificationOf({ reason: 'gone' })]))).toContain('"type":"maint.alert.resolved"');
  const message = testMessage({ run: 'a-b', project: 'shop', host: 'db1', now: new Date(0) });
  expect(webhookBody(message)).toContain('"type":"maint.alert.test"');
});

test('stays below 20 kB whatever the texts are', () => {
  for (const text of ['漢'.repeat(10_000), '😀'.repeat(5_000), '"'.repeat(10_000)]) {
    const each = notificationOf({ summary: text, step: text, task: text, remediation: [text, 'short'] });
    const body = webhookBody(messageOf(Array(30).fill(each), { project: text, host: text, command: text }));
    expect(Buffer.byteLength(body)).toBeLessThan(20_000);
    expect(JSON.parse(body)).toMatchObject({ data: { more: 20, alerts: { length: 10 } } });
    expect(/\\ud[89a-f]/.test(body)).toBe(false);
  }
});

test('signs each attempt with its own time, under the same id', () => {
  const signingKey = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const about = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', signingKey };
  expect(webhookHeaders({ ...about, now: new Date(1_614_265_330_900) })).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
  expect(webhookHeaders({ ...about, now: new Date(1_614_265_331_000) })).not.toMatchObject({
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('sends no signature without a key', () => {
  expect(webhookHeaders({ id: 'a', body: '{}', now: new Date(0), signingKey: undefined })).toEqual({
    'webhook-id': 'a',
    'webhook-timestamp': '0',
  });
});

test('is accepted by the library of Standard Webhooks, under each of two keys, but not when it is old or changed', () => {
  const old = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const fresh = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const body = webhookBody(messageOf([notificationOf()]));
  const headersAt = (now: Date): Record<string, string> => ({
    ...webhookHeaders({ id: 'alert_1', body, now, signingKey: new Secret(`${fresh} ${old}`) }),
  });
  const headers = headersAt(new Date());
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
  for (const key of [fresh, old]) expect(new Webhook(key).verify(body, headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(old).verify(`${body} `, headers)).toThrow('No matching signature found');
  const sixMinutesAgo = new Date(Date.now() - 6 * 60_000);
  expect(() => new Webhook(old).verify(body, headersAt(sixMinutesAgo))).toThrow('Message timestamp too old');
});
