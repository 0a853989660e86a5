import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deliver } from '../../../src/alerts/deliver.ts';
import { testMessage, type AlertMessage } from '../../../src/alerts/message.ts';
import type { Notification } from '../../../src/alerts/notification.ts';
import { CHANNEL_SECRETS, everyChannel, settingsWith } from '../../support/channels.ts';
import { messageOf, notificationOf } from '../../support/notifications.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { sendingFor } from '../../support/sending.ts';

/** Sends to every channel that speaks HTTP. */
async function sendToAll(receiver: Receiver, message: AlertMessage): Promise<readonly (string | null)[]> {
  const { channels } = await settingsWith(everyChannel(receiver));
  const deliveries = await deliver({ ...sendingFor(), message, channels, timeoutMs: 20_000 });
  return deliveries.map(({ error }) => error);
}

const violations = (receiver: Receiver, from = 0): readonly string[] =>
  receiver.requests
    .slice(from)
    .flatMap(({ path, violation }) => (violation === undefined ? [] : [`${path}: ${violation}`]));

const FULL = notificationOf({
  alertClass: 'page',
  owner: 'team-db (@db)',
  impact: 'writes stop when the disk is full',
  remediation: ['df -h /', 'https://wiki.example.com/disk', 'maint alerts ack 0123456789 --for 4h'],
});

test('every channel says what is wrong, why it matters, what to do, who looks after it and how to answer', async () => {
  await using receiver = await startReceiver();
  expect(await sendToAll(receiver, messageOf([FULL]))).toEqual(Array(9).fill(null));
  expect(violations(receiver)).toEqual([]);
  const bodies = receiver.requests.map(({ body }) => body.replaceAll(/\\\\(.)/g, '$1'));
  expect(bodies).toHaveLength(10);
  for (const body of bodies)
    for (const part of ['99 % full', 'writes stop when', 'df -h /', 'team-db', 'wiki.example.com/disk', 'alerts ack'])
      expect(body).toContain(part);
});

test('a storm, good news and a test keep every contract', async () => {
  await using receiver = await startReceiver();
  const storm = Array.from({ length: 40 }, (_, index) =>
    notificationOf({ ...FULL, step: `disk ${index}`, fingerprint: index.toString(16).padStart(16, '0') }),
  );
  await sendToAll(receiver, messageOf(storm));
  await sendToAll(receiver, messageOf([notificationOf({ ...FULL, reason: 'recovered' })]));
  const about = { run: '11111111-2222-4333-8444-555555555555', project: 'shop', host: 'db1', now: new Date() };
  for (const phase of ['trigger', 'resolve'] as const)
    await sendToAll(receiver, testMessage({ ...about, test: { phase } }));
  expect(violations(receiver)).toEqual([]);
  const events = receiver.requests.filter(({ path }) => path === '/v2/enqueue').map(({ json }) => json);
  expect(events).toHaveLength(40 + 1 + 2);
  expect(events.slice(-3)).toMatchObject([
    { event_action: 'resolve', dedup_key: 'maint/shop/0123456789abcdef' },
    { event_action: 'trigger', dedup_key: 'maint/test/11111111-2222-4333-8444-555555555555' },
    { event_action: 'resolve', dedup_key: 'maint/test/11111111-2222-4333-8444-555555555555' },
  ]);
  const others = receiver.requests.filter(({ path }) => /services|webhooks|workflows|notify/.test(path));
  expect(others.slice(0, 4).every(({ body }) => body.includes('+30 more'))).toBe(true);
});

const NASTY = [
  'x'.repeat(10_000),
  '😀'.repeat(5_000),
  '👩‍👩‍👧‍👦'.repeat(900),
  '漢'.repeat(10_000),
  '&<>"'.repeat(2_500),
  String.raw`\*_~|>[` + '`'.repeat(3_000),
  '@everyone <!channel> <@U1>',
  '</script><script>alert(1)</script>',
  'NUL\0 bell\u0007 escape\u001b[31m',
  'half \ud83d of \udc00 a pair',
  '\u202eright to left\u2066',
  '',
];

const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 300 }));

const notification: fc.Arbitrary<Notification> = fc
  .record({
    task: nasty,
    step: nasty,
    summary: nasty,
    impact: nasty,
    owner: nasty,
    note: nasty,
    remediation: fc.array(fc.oneof(nasty, fc.webUrl()), { maxLength: 12 }),
    severity: fc.constantFrom('fail' as const, 'crash' as const, 'warn' as const),
    alertClass: fc.constantFrom('page' as const, 'ticket' as const, 'report' as const),
    reason: fc.constantFrom('first' as const, 'silence_expired' as const, 'recovered' as const, 'gone' as const),
  })
  .map((differences) => notificationOf(differences));

test('whatever the texts are, every channel sends what its service takes', async () => {
  await using receiver = await startReceiver();
  const message = fc
    .record({
      notifications: fc.array(notification, { minLength: 1, maxLength: 14 }),
      project: nasty,
      host: nasty,
      command: nasty,
    })
    .map(({ notifications, ...differences }) => messageOf(notifications, differences));
  await fc.assert(
    fc.asyncProperty(message, async (each) => {
      const before = receiver.requests.length;
      await sendToAll(receiver, each);
      expect(violations(receiver, before)).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('a text that is too long is cut between two characters, and says so', async () => {
  await using receiver = await startReceiver();
  await sendToAll(receiver, messageOf([notificationOf({ ...FULL, summary: '😀'.repeat(5_000) })]));
  const texts = receiver.requests.map(({ body }) => body);
  expect(texts.every((body) => body.includes('😀') && body.includes('shortened)'))).toBe(true);
});

test('nobody is called by what stands in a log', async () => {
  await using receiver = await startReceiver();
  await sendToAll(receiver, messageOf([notificationOf({ summary: '@everyone <!channel> </script>' })]));
  const bodyOf = (part: string): string => receiver.requests.find(({ path }) => path.includes(part))?.body ?? '';
  expect(bodyOf('webhooks')).toContain('"allowed_mentions":{"parse":[]}');
  expect(bodyOf('services')).toContain('&lt;!channel&gt; &lt;/script&gt;');
});

test('no address, key or topic shows in what is told of a delivery', async () => {
  await using receiver = await startReceiver();
  const { channels } = await settingsWith(everyChannel(receiver));
  const told: unknown[] = [];
  for (const behaviour of [{}, { status: 404 }, { status: 302 }, { drop: true as const }]) {
    receiver.always(behaviour);
    told.push(await deliver({ ...sendingFor(), message: messageOf([FULL]), channels, timeoutMs: 20_000 }));
  }
  for (const secret of CHANNEL_SECRETS) {
    expect(JSON.stringify(told)).not.toContain(secret);
    expect(
      receiver.requests.some((request) => JSON.stringify(request).includes(secret)) || secret.startsWith('whsec'),
    ).toBe(true);
  }
});
