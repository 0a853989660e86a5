import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import { journalChannelRecords } from '../../src/cli/alert-store.ts';
import { main } from '../../src/cli/main.ts';
import { CHANNEL_SECRETS, everyChannel, mailChannel } from '../support/channels.ts';
import { startMailReceiver } from '../support/mail-receiver.ts';
import { startReceiver } from '../support/receiver.ts';
import { makeWorld } from '../support/world.ts';

interface Place {
  readonly run: (
    ...args: readonly string[]
  ) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  readonly records: () => ReturnType<ReturnType<typeof journalChannelRecords>['load']>;
}

/** A folder with a configuration that has these channels. */
function placeWith(channels: readonly unknown[], { alerts = {}, owners = {} } = {}): Place {
  const cwd = mkdtempSync(join(tmpdir(), 'maint-test-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const file = join(cwd, 'maint.yaml');
  writeFileSync(file, stringify({ name: 'app', alerts: { channels, ...alerts }, owners }), { mode: 0o600 });
  return {
    run: async (...args) => {
      const world = makeWorld({ cwd });
      const code = await main(['alerts', 'test', ...args, '--config', file], world);
      return { code, out: world.out(), err: world.err() };
    },
    records: () => {
      using journal = openJournal(join(cwd, 'state', 'app'), new Date());
      return journalChannelRecords(journal).load();
    },
  };
}

test('every channel takes a trigger and its end, and is known to work from then on', async () => {
  await using receiver = await startReceiver();
  await using mail = await startMailReceiver();
  const place = placeWith([...everyChannel(receiver), mailChannel(mail)]);
  const { code, out } = await place.run('--all', '--json');
  expect(code).toBe(0);
  expect(receiver.requests.flatMap(({ violation }) => violation ?? [])).toEqual([]);
  const { run, channels }: { run: string; channels: readonly Record<string, unknown>[] } = JSON.parse(out);
  expect(channels).toHaveLength(10);
  expect(channels.every(({ delivered, resolved, error }) => delivered && resolved && error === null)).toBe(true);
  expect(channels.find(({ channel }) => channel === 'pagerduty')).toMatchObject({
    status: 202,
    providerId: `maint/test/${run}`,
  });
  const events = receiver.requests.filter(({ path }) => path === '/v2/enqueue').map(({ json }) => json);
  expect(events).toMatchObject([
    { event_action: 'trigger', dedup_key: `maint/test/${run}` },
    { event_action: 'resolve', dedup_key: `maint/test/${run}` },
  ]);
  expect(mail.letters.map(({ subject }) => subject)).toEqual([
    expect.stringContaining('TEST: this channel works'),
    expect.stringContaining('TEST: over'),
  ]);
  expect(place.records().every(({ verifiedAt, brokenSince }) => verifiedAt !== null && brokenSince === null)).toBe(
    true,
  );
});

test('one wrong address is named, with exit code 1, and the others are tried all the same', async () => {
  await using receiver = await startReceiver();
  receiver.at('/api/webhooks', { status: 404 });
  const place = placeWith(everyChannel(receiver).filter(({ name }) => name === 'slack' || name === 'discord'));
  const { code, out, err } = await place.run();
  expect(err).toBe('');
  expect(code).toBe(1);
  expect(out).toMatch(/✓ slack {2}took the test and its end \(status 200/);
  expect(out).toMatch(
    /✗ discord {2}did not take the test: 127\.0\.0\.1:\d+ answered 404, there is nothing at this address/,
  );
  expect(place.records()).toMatchObject([{ channel: expect.any(String) }, { channel: expect.any(String) }]);
  const discord = place.records().find(({ channel }) => channel === 'discord');
  expect(discord).toMatchObject({ verifiedAt: null, lastError: expect.stringContaining('404') });
  expect(discord?.brokenSince).not.toBeNull();
  receiver.at('/api/webhooks', {});
  expect((await place.run('--channel', 'discord')).code).toBe(0);
  expect(place.records().find(({ channel }) => channel === 'discord')?.brokenSince).toBeNull();
});

test('--print shows what each service would get, without a secret, and sends nothing', async () => {
  await using receiver = await startReceiver();
  await using mail = await startMailReceiver();
  const { code, out } = await placeWith([...everyChannel(receiver), mailChannel(mail)]).run('--print');
  expect(code).toBe(0);
  expect([receiver.requests.length, mail.letters.length]).toEqual([0, 0]);
  const { channels }: { channels: readonly { channel: string; sends: readonly unknown[] }[] } = JSON.parse(out);
  expect(channels.find(({ channel }) => channel === 'pagerduty')?.sends).toMatchObject([
    { body: { routing_key: '[secret]', event_action: 'trigger', payload: { severity: 'info' } } },
    { body: { routing_key: '[secret]', event_action: 'resolve' } },
  ]);
  for (const secret of [...CHANNEL_SECRETS, mail.password]) expect(out).not.toContain(secret);
});

test('--class goes where problems of that class go', async () => {
  await using receiver = await startReceiver();
  const routes = { page: { channels: ['slack'], fallback: ['ntfy'] }, ticket: { channels: ['discord'] } };
  const place = placeWith(everyChannel(receiver), {
    alerts: { owner: 'ops', routes },
    owners: { ops: { contact: '@ops' } },
  });
  expect(await place.run('--class', 'report')).toMatchObject({ code: 2, err: expect.stringContaining('report') });
  const { out } = await place.run('--class', 'page', '--json');
  const page: { channels: readonly { channel: string }[] } = JSON.parse(out);
  expect(page.channels.map(({ channel }) => channel)).toEqual(['slack', 'ntfy']);
});

test('a letter counts as seen when somebody types the code that stands in it alone', async () => {
  await using mail = await startMailReceiver();
  const place = placeWith([mailChannel(mail)]);
  const { out } = await place.run();
  expect(out).toMatch(/maint alerts test --config \S+ --confirm CODE/);
  expect(mail.letters[0]?.text).toMatch(/maint alerts test --config \S+maint\.yaml --confirm \d{6}/);
  const code = /--confirm (\d{6})/.exec(mail.letters[0]?.text ?? '')?.[1] ?? '';
  expect(JSON.stringify([out, place.records()])).not.toContain(code);
  const wrong = await place.run('--confirm', code === '123456' ? '654321' : '123456');
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('no test that waits for an answer') });
  expect(await place.run('--confirm', code)).toMatchObject({ code: 0, out: '✓ mail  somebody saw the test\n' });
  expect(place.records()).toMatchObject([{ confirmedAt: expect.any(String), codeHash: null }]);
  expect(await place.run('--confirm', code)).toMatchObject({ code: 2 });
});
