import { expect, test } from 'vitest';
import { deliver, type Delivery } from '../../../src/alerts/deliver.ts';
import type { AlertMessage } from '../../../src/alerts/message.ts';
import { mailChannel, settingsWith } from '../../support/channels.ts';
import { startMailReceiver, type MailReceiver } from '../../support/mail-receiver.ts';
import { messageOf, notificationOf } from '../../support/notifications.ts';
import { sendingFor } from '../../support/sending.ts';

const MESSAGE = messageOf([
  notificationOf({
    summary: 'größer als 99 % 😀\n.\nRCPT TO: <eve@example.com>',
    owner: 'team-db',
    impact: 'writes stop when the disk is full',
    remediation: ['df -h /', 'maint runbook disk', 'maint alerts ack 0123456789 --for 4h'],
  }),
]);

async function send(
  channel: Readonly<Record<string, unknown>>,
  message: AlertMessage = MESSAGE,
  timeoutMs = 10_000,
): Promise<Delivery | undefined> {
  const { channels } = await settingsWith([channel]);
  return (await deliver({ ...sendingFor(), message, channels, timeoutMs }))[0];
}

const ID = 'alert_0f0e0d0c-0b0a-4908-8706-050403020100.mail@db1.example.com';

test('sends one letter after STARTTLS and a login, and again under the same id', async () => {
  await using server = await startMailReceiver();
  const delivery = await send(mailChannel(server));
  expect(delivery).toMatchObject({ delivered: true, attempts: 1, status: 250, providerId: ID, note: null });
  await send(mailChannel(server), messageOf(MESSAGE.notifications.map((each) => ({ ...each, reason: 'recovered' }))));
  expect(server.letters).toMatchObject([
    {
      isEncrypted: true,
      user: 'ops@example.com',
      from: 'maint@db1.example.com',
      to: ['ana@example.com', 'ben@example.com'],
      subject: 'FAIL: health, disk /: größer als 99 % 😀 . RCPT TO: <eve@example.com> · shop on db1',
      messageId: `<${ID}>`,
    },
    { subject: expect.stringMatching(/^OK: health/) },
  ]);
  const [alarm, end] = server.letters;
  for (const part of [
    'größer als 99 %',
    'writes stop',
    '→ df -h /',
    'Owner: team-db',
    'maint runbook disk',
    '→ maint alerts ack',
  ])
    expect(alarm?.text).toContain(part);
  expect(alarm?.raw).toContain('Auto-Submitted: auto-generated');
  expect(end?.references).toBe(alarm?.references);
});

test('a server without encryption gets nothing unless the configuration says so', async () => {
  await using server = await startMailReceiver({ withoutTls: true });
  const url = `smtp://localhost:${server.port}`;
  const refused = await send({ ...mailChannel(server), server: url });
  expect(refused).toMatchObject({ delivered: false, status: null, error: expect.stringContaining('offers no TLS') });
  expect(server.letters).toEqual([]);
  expect(await send({ ...mailChannel(server), server: url, tls: 'none' })).toMatchObject({ delivered: true });
  expect(server.letters).toMatchObject([{ isEncrypted: false }]);
});

test('a certificate that nobody here knows is not trusted', async () => {
  await using server = await startMailReceiver();
  const { authorityFile, ...channel } = mailChannel(server);
  expect(authorityFile).toBeDefined();
  expect(await send(channel)).toMatchObject({
    delivered: false,
    error: expect.stringContaining('certificate does not hold'),
  });
  expect(server.letters).toEqual([]);
});

test('tells what passes from what stays, and never the password', async () => {
  await using server = await startMailReceiver();
  server.next({ code: 451, text: 'greylisted' });
  expect(await send(mailChannel(server))).toMatchObject({ delivered: true, attempts: 2 });
  server.next({ code: 552, text: 'mailbox full' });
  const full = await send(mailChannel(server));
  expect(full).toMatchObject({ delivered: false, attempts: 1, status: 552, permanent: true });
  const wrong = await send({ ...mailChannel(server), server: server.url.replace(server.password, 'plantedPassword') });
  expect(wrong).toMatchObject({ delivered: false, attempts: 1, status: 535, permanent: true });
  const nobody = await send({ ...mailChannel(server), server: 'smtp://ops:plantedPassword@127.0.0.1:1' });
  expect(nobody).toMatchObject({ delivered: false, attempts: 3, status: null, permanent: false });
  expect(JSON.stringify([full, wrong, nobody])).not.toContain('plantedPassword');
});

test('names the recipient that the server refused beside those that got the letter', async () => {
  await using server = await startMailReceiver();
  server.refuseRecipient('ben@example.com');
  const delivery = await send(mailChannel(server));
  expect(delivery).toMatchObject({ delivered: true, note: `localhost:${server.port} refused ben@example.com` });
  expect(server.letters).toMatchObject([{ to: ['ana@example.com'] }]);
});

test('a server that takes the connection and says nothing is given up', async () => {
  await using silent = await startSilent();
  const delivery = await send({ ...mailChannel(silent.like), server: silent.url }, MESSAGE, 100);
  expect(delivery).toMatchObject({ delivered: false, attempts: 3, error: expect.stringMatching(/did not answer/) });
});

async function startSilent(): Promise<AsyncDisposable & { readonly url: string; readonly like: MailReceiver }> {
  const { createServer } = await import('node:net');
  const like = await startMailReceiver();
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return {
    url: `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    like,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await like[Symbol.asyncDispose]();
    },
  };
}
