import { expect, test } from 'vitest';
import { dueForCanary } from '../../src/alerts/canary.ts';
import { afterTest, newRecord, type ChannelRecord } from '../../src/alerts/channel-record.ts';
import { announce } from '../../src/alerts/announce.ts';
import { deliver } from '../../src/alerts/deliver.ts';
import { testMessage } from '../../src/alerts/message.ts';
import { memoryAlertStore } from '../../src/alerts/store.ts';
import { everyChannel, settingsWith } from '../support/channels.ts';
import { startReceiver } from '../support/receiver.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { sendingFor } from '../support/sending.ts';

const FRIDAY_NOON = new Date('2026-11-20T12:00:00Z');
const SATURDAY_NOON = new Date('2026-11-21T12:00:00Z');

const daysBefore = (days: number): string => new Date(FRIDAY_NOON.getTime() - days * 86_400_000).toISOString();

test('is due for each channel that no test went through for a week, in working hours, once a day', async () => {
  await using receiver = await startReceiver();
  const { channels, canary } = await settingsWith(everyChannel(receiver).slice(0, 4));
  const about = { channels, canary };
  const records: readonly ChannelRecord[] = [
    { ...newRecord('slack'), verifiedAt: daysBefore(6.9) },
    { ...newRecord('hook'), verifiedAt: daysBefore(7.1) },
    { ...newRecord('discord'), verifiedAt: daysBefore(9), lastFailureAt: daysBefore(0.5) },
  ];
  const due = (now: Date, more: Partial<typeof about> = {}): readonly string[] =>
    dueForCanary({ ...about, ...more }, records, now).map(({ name }) => name);
  expect(due(FRIDAY_NOON)).toEqual(['hook', 'am-hook']);
  expect(due(SATURDAY_NOON)).toEqual([]);
  expect(due(FRIDAY_NOON, { canary: { ...canary, except: ['hook'] } })).toEqual(['am-hook']);
  expect(due(FRIDAY_NOON, { canary: { ...canary, enabled: false } })).toEqual([]);
});

test('disturbs nobody: no incident, no sound, an alert that is over before it began', async () => {
  await using receiver = await startReceiver();
  const { channels } = await settingsWith(everyChannel(receiver));
  const message = testMessage({
    run: '11111111-2222-4333-8444-555555555555',
    project: 'shop',
    host: 'db1',
    now: FRIDAY_NOON,
    test: { phase: 'trigger', isCanary: true },
  });
  const deliveries = await deliver({ ...sendingFor(), message, channels, timeoutMs: 20_000 });
  expect(deliveries.map(({ delivered }) => delivered)).toEqual(Array(9).fill(true));
  expect(receiver.requests.flatMap(({ violation }) => violation ?? [])).toEqual([]);
  const sent = (path: string): unknown => receiver.requests.find((request) => request.path === path)?.json;
  expect(sent('/v2/enqueue')).toBeUndefined();
  expect(sent('/v2/change/enqueue')).toMatchObject({ payload: { summary: expect.stringContaining('nothing to do') } });
  expect(sent('/')).toMatchObject({ priority: 1 });
  const [alert]: { startsAt: string; endsAt: string }[] = JSON.parse(JSON.stringify(sent('/api/v2/alerts')));
  expect(Date.parse(alert?.endsAt ?? '')).toBeLessThanOrEqual(Date.now());
  const [delivery] = deliveries;
  if (delivery === undefined) throw new Error('one delivery expected');
  expect(afterTest(newRecord('slack'), [delivery], { at: FRIDAY_NOON })).toMatchObject({
    verifiedAt: FRIDAY_NOON.toISOString(),
  });
});

test('a channel that takes no canary is a problem of its own, told through the others, until it takes one', async () => {
  await using receiver = await startReceiver();
  const settings = await settingsWith(everyChannel(receiver).slice(0, 2));
  const store = memoryAlertStore();
  const tell = async (hour: number, status: number): Promise<readonly string[]> => {
    const before = receiver.requests.length;
    receiver.at('/hook', { status });
    const at = new Date(FRIDAY_NOON.getTime() + hour * 3_600_000);
    const about = { run: '11111111-2222-4333-8444-555555555555', project: 'shop', host: 'db1', now: at };
    const message = testMessage({ ...about, test: { phase: 'trigger', isCanary: true } });
    const [, hook] = settings.channels;
    if (hook === undefined) throw new Error('two channels expected');
    const tried = await deliver({ ...sendingFor(), message, channels: [hook], timeoutMs: 20_000 });
    const report = reportOf([taskOf('health', stepOf('disk /', 'fine', { verdict: 'done' }))], {
      run: `00000000-0000-4000-8000-${String(hour).padStart(12, '0')}`,
      startedAt: at.toISOString(),
    });
    await announce({ ...sendingFor(), report, settings, store, secrets: [], tried });
    return receiver.requests.slice(before).flatMap(({ path, body }) => (path.startsWith('/services') ? [body] : []));
  };
  const [alarm, ...more] = await tell(0, 404);
  expect(alarm).toContain('channel hook');
  expect(alarm).toContain('answered 404');
  expect(more).toEqual([]);
  expect(await tell(1, 404)).toEqual([]);
  const [end] = await tell(2, 200);
  expect(end).toContain('*OK* alerts, channel hook');
});
