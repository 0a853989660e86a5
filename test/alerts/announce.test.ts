import { expect, test } from 'vitest';
import { announce } from '../../src/alerts/announce.ts';
import type { AlertSettings } from '../../src/alerts/settings.ts';
import type { AlertState } from '../../src/alerts/state.ts';
import { memoryAlertStore, type AlertStore } from '../../src/alerts/store.ts';
import { MaintError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import type { AlertReport, RunReport } from '../../src/engine/report.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { sendingFor, settingsFor } from '../support/sending.ts';

const START = Date.parse('2026-11-21T02:00:00.000Z');

/** A project whose runs are announced hour by hour. */
interface Place {
  readonly receiver: Receiver;
  readonly store: AlertStore;
  settings: AlertSettings;
  /** Announces the run of that hour. */
  run(hour: number, steps: Readonly<Record<string, Verdict>>, differences?: Partial<RunReport>): Promise<AlertReport>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function openPlace(differences: object = {}, store = memoryAlertStore()): Promise<Place> {
  const receiver = await startReceiver();
  const place: Place = {
    receiver,
    store,
    settings: await settingsFor(receiver, differences),
    run: (hour, steps, more = {}) =>
      announce({
        ...sendingFor(),
        report: { ...runOf(hour, steps), ...more },
        settings: place.settings,
        store,
        secrets: [new Secret('PLANTED')],
      }),
    [Symbol.asyncDispose]: async () => receiver[Symbol.asyncDispose](),
  };
  return place;
}

function runOf(hour: number, steps: Readonly<Record<string, Verdict>>): RunReport {
  const all = Object.entries(steps).map(([title, verdict]) => stepOf(title, `${title} is ${verdict}`, { verdict }));
  const run = `00000000-0000-4000-8000-${String(hour).padStart(12, '0')}`;
  return reportOf([taskOf('health', ...all)], { run, startedAt: new Date(START + hour * 3_600_000).toISOString() });
}

/** What is still a problem, or still has to be told to someone. */
function open({ store }: Place): readonly AlertState[] {
  return store.load().filter(({ phase, deliveredTo }) => phase !== 'ok' || deliveredTo.length > 0);
}

/** What the webhook was told and took, message by message. */
function told({ receiver }: Place): readonly (readonly string[])[] {
  return receiver
    .accepted()
    .filter(({ path }) => path === '/hook')
    .map(({ body }) => alertsIn(body));
}

function alertsIn(body: string): readonly string[] {
  const { data }: { data: { alerts: readonly { step: string; reason: string }[] } } = JSON.parse(body);
  return data.alerts.map(({ step, reason }) => `${step}: ${reason}`);
}

const HOOK_ONLY = (receiver: Receiver) =>
  settingsFor(receiver).then(({ channels, ...rest }) => ({ ...rest, channels: channels.slice(1) }));

test('says the same failure once in five runs, and its end once', async () => {
  await using place = await openPlace();
  for (let hour = 0; hour < 5; hour += 1) await place.run(hour, { disk: 'fail' });
  expect(told(place)).toEqual([['disk: first']]);
  const report = await place.run(5, { disk: 'done' });
  expect(told(place)).toEqual([['disk: first'], ['disk: recovered']]);
  await place.run(6, { disk: 'done' });
  expect(place.receiver.requests).toHaveLength(4);
  expect(report).toEqual({
    delivered: 1,
    undelivered: 0,
    lines: ['slack: told 1 recovered', 'hook: told 1 recovered'],
  });
  expect([open(place), place.store.spooled()]).toEqual([[], []]);
});

test('ends an incident under the key it began with, once each, though the states were lost in between', async () => {
  await using place = await openPlace();
  const { origin } = place.receiver;
  const pager = { name: 'pager', type: 'pagerduty', url: origin, routingKey: 'routingKeyIsASecretOf32Letters00' };
  place.settings = await settingsFor(place.receiver, { channels: [pager] });
  for (let hour = 0; hour < 5; hour += 1) await place.run(hour, { disk: 'fail' });
  place.store.save([]);
  await place.run(5, { disk: 'done' });
  const events = place.receiver.accepted().map(({ json }) => json);
  const dedup_key = expect.stringMatching(/^maint\/[^/]+\/[0-9a-f]{16}$/);
  expect(events).toMatchObject([
    { event_action: 'trigger', dedup_key },
    { event_action: 'resolve', dedup_key },
  ]);
  const keys = place.receiver.accepted().map(({ body }) => /"dedup_key":"([^"]+)"/.exec(body)?.[1]);
  expect(new Set(keys).size).toBe(1);
});

test('repeats a failure that stays once a day, though each run starts a second earlier than the last', async () => {
  await using place = await openPlace();
  for (let day = 0; day < 4; day += 1) {
    const startedAt = new Date(START + day * 86_400_000 + 30_000 - day * 1_000).toISOString();
    await place.run(day, { disk: 'fail' }, { startedAt });
  }
  expect(told(place)).toEqual([['disk: first'], ['disk: repeat_due'], ['disk: repeat_due'], ['disk: repeat_due']]);
});

test('makes one message of twenty failures', async () => {
  await using place = await openPlace();
  const twenty = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`disk ${index}`, 'fail' as const]));
  const report = await place.run(0, twenty);
  expect(place.receiver.requests.map(({ violation }) => violation)).toEqual([undefined, undefined]);
  expect(place.receiver.requests.find(({ path }) => path !== '/hook')?.body).toContain('+10 more');
  expect(report.lines).toEqual(['slack: told 20 problems', 'hook: told 20 problems']);
});

test('keeps what no channel took, says so, and sends it first with the next run, in order and under the same id', async () => {
  await using place = await openPlace();
  place.receiver.always({ status: 500 });
  const failed = await place.run(0, { disk: 'fail' });
  expect(failed).toMatchObject({ delivered: 0, undelivered: 1 });
  expect(failed.lines.at(-1)).toBe('no channel took the message about 1 problem; it is kept for the next run');
  const again = await place.run(1, { disk: 'fail', memory: 'fail' });
  expect(again).toMatchObject({ delivered: 0, undelivered: 2 });
  place.receiver.always({});
  expect(await place.run(2, { disk: 'fail', memory: 'fail' })).toMatchObject({ delivered: 2, undelivered: 0 });
  expect(told(place)).toEqual([['disk: first'], ['memory: first']]);
  const ids = place.receiver.requests.map(({ headers }) => headers['webhook-id']).filter((id) => id !== undefined);
  expect(new Set(ids).size).toBe(2);
  await place.run(3, { disk: 'done', memory: 'done' });
  expect(told(place).at(-1)).toEqual(['disk: recovered', 'memory: recovered']);
});

test('never lets a new message overtake one that waits', async () => {
  await using place = await openPlace();
  place.settings = await HOOK_ONLY(place.receiver);
  place.receiver.always({ status: 500 });
  await place.run(0, { disk: 'fail' });
  const before = place.receiver.requests.length;
  place.receiver.next({ status: 500 }, { status: 500 }, { status: 500 });
  place.receiver.always({});
  await place.run(1, { disk: 'fail', memory: 'fail' });
  expect(place.receiver.requests.length - before).toBe(3);
  await place.run(2, { disk: 'fail', memory: 'fail' });
  expect(told(place)).toEqual([['disk: first'], ['memory: first']]);
});

test('lets a new message pass one that the channel refuses for good', async () => {
  await using place = await openPlace();
  place.settings = await HOOK_ONLY(place.receiver);
  place.receiver.next({ status: 400 });
  await place.run(0, { disk: 'fail' });
  place.receiver.next({ status: 400 });
  expect(await place.run(1, { disk: 'fail', memory: 'fail' })).toMatchObject({ delivered: 1, undelivered: 1 });
  expect(told(place)).toEqual([['memory: first']]);
});

test('drops an alarm that nobody heard once its problem is over, and says nothing of it', async () => {
  await using place = await openPlace();
  place.receiver.always({ status: 500 });
  await place.run(0, { disk: 'fail' });
  place.receiver.always({});
  expect(await place.run(1, { disk: 'done' })).toEqual({ delivered: 0, undelivered: 0, lines: [] });
  expect(place.receiver.accepted()).toEqual([]);
  expect([open(place), place.store.spooled()]).toEqual([[], []]);
});

test('keeps an alarm that nobody heard while its task is not looked at', async () => {
  await using place = await openPlace();
  place.receiver.always({ status: 500 });
  await place.run(0, { disk: 'fail' });
  place.receiver.always({});
  await place.run(1, {}, { tasks: [] });
  expect(told(place)).toEqual([['disk: first']]);
});

test('drops a recovery that nobody heard once the problem is back, and does not call it new', async () => {
  await using place = await openPlace();
  await place.run(0, { disk: 'fail' });
  place.receiver.always({ status: 500 });
  await place.run(1, { disk: 'done' });
  place.receiver.always({});
  await place.run(2, { disk: 'fail' });
  expect(told(place)).toEqual([['disk: first']]);
  await place.run(3, { disk: 'done' });
  expect(told(place)).toEqual([['disk: first'], ['disk: recovered']]);
});

test('sends a recovery later to the channel that missed it, and only to that', async () => {
  await using place = await openPlace();
  await place.run(0, { disk: 'fail' });
  const [slack, hook] = place.settings.channels;
  if (slack?.type !== 'slack' || hook === undefined) throw new Error('two channels expected');
  const all = place.settings;
  place.settings = { ...all, channels: [{ ...slack, url: new Secret('http://127.0.0.1:1/down') }, hook] };
  expect(await place.run(1, { disk: 'done' })).toMatchObject({ delivered: 1, undelivered: 0 });
  place.settings = all;
  const before = place.receiver.requests.length;
  await place.run(2, { disk: 'done' });
  expect(place.receiver.requests.slice(before).map(({ path }) => path)).toEqual([
    new URL(place.receiver.slackUrl).pathname,
  ]);
  expect([open(place), place.store.spooled()]).toEqual([[], []]);
});

test('tells a recovery only to the channel that took the alarm', async () => {
  await using place = await openPlace();
  place.receiver.always({});
  const [slack, hook] = place.settings.channels;
  if (slack?.type !== 'slack' || hook === undefined) throw new Error('two channels expected');
  const all = place.settings;
  place.settings = { ...all, channels: [{ ...slack, url: new Secret('http://127.0.0.1:1/down') }, hook] };
  await place.run(0, { disk: 'fail' });
  place.settings = all;
  await place.run(1, { disk: 'done' });
  expect(place.receiver.requests.map(({ path }) => path)).toEqual(['/hook', '/hook']);
});

test('replaces a warning that waits by the failure that it became', async () => {
  await using place = await openPlace({ on: 'warn' });
  place.receiver.always({ status: 500 });
  await place.run(0, { disk: 'warn' });
  await place.run(1, { disk: 'fail' });
  expect(place.store.spooled().map(({ notifications }) => notifications.map(({ severity }) => severity))).toEqual([
    ['fail'],
  ]);
  place.receiver.always({});
  await place.run(2, { disk: 'fail' });
  expect(told(place)).toEqual([['disk: first']]);
});

test('does not fill the spool while every channel is down', async () => {
  await using place = await openPlace({ on: 'warn' });
  place.receiver.always({ status: 500 });
  for (let hour = 0; hour < 60; hour += 1)
    await place.run(hour, { disk: hour % 7 === 0 ? 'warn' : 'fail', memory: hour % 3 === 0 ? 'done' : 'fail' });
  expect(place.store.spooled().flatMap(({ notifications }) => notifications)).toHaveLength(2);
});

test('tells a channel that replaced another at once', async () => {
  await using place = await openPlace();
  await place.run(0, { disk: 'fail' });
  const [, hook] = place.settings.channels;
  if (hook === undefined) throw new Error('two channels expected');
  place.settings = { ...place.settings, channels: [{ ...hook, name: 'new-hook' }] };
  await place.run(1, { disk: 'fail' });
  expect(told(place)).toEqual([['disk: first'], ['disk: first']]);
});

test('leaves what waits for another project alone', async () => {
  await using place = await openPlace();
  place.receiver.always({ status: 500 });
  await place.run(0, { disk: 'fail' }, { project: 'shop' });
  place.receiver.always({});
  await place.run(1, { disk: 'done' }, { project: 'app' });
  expect(place.receiver.accepted()).toEqual([]);
  await place.run(2, { disk: 'fail' }, { project: 'shop' });
  expect(told(place)).toEqual([['disk: first']]);
});

test('sends nothing without channels, but remembers for whoever asks; does nothing at all in a dry run', async () => {
  await using place = await openPlace();
  const nothing = { delivered: 0, undelivered: 0, lines: [] };
  expect(await place.run(0, { disk: 'fail' }, { dryRun: true })).toEqual(nothing);
  place.settings = { ...place.settings, channels: [] };
  expect(await place.run(0, { disk: 'fail' })).toEqual(nothing);
  expect([place.receiver.requests, place.store.spooled()]).toEqual([[], []]);
  expect(open(place)).toMatchObject([{ step: 'disk', lastToldAt: null }]);
});

test('alerts all the same when its store can neither be read nor written, and says so', async () => {
  const refuse = (): never => {
    throw new MaintError('STATE_UNUSABLE', 'the journal cannot be written');
  };
  await using place = await openPlace(
    {},
    {
      load: refuse,
      save: refuse,
      silences: refuse,
      saveSilences: refuse,
      record: refuse,
      history: refuse,
      spooled: refuse,
      spool: refuse,
      unspool: refuse,
    },
  );
  const report = await place.run(0, { disk: 'fail' });
  expect(report).toMatchObject({ delivered: 1, undelivered: 0 });
  expect(report.lines.at(-1)).toBe(
    'alert states cannot be kept, so alarms may come again: the journal cannot be written',
  );
  expect(told(place)).toEqual([['disk: first']]);
});

test('lets no planted secret into a message, the store or the report, whether channels work or not', async () => {
  await using place = await openPlace();
  const tasks = [
    taskOf(
      'backup',
      stepOf('dump PLANTED', `postgres://u:PLANT%45D@db1 PLANTED password=PLANTED ${place.receiver.slackUrl}`, {
        verdict: 'fail',
        remediation: ['PGPASSWORD=PLANTED psql', 'curl -H "Authorization: Bearer PLANTED"'],
      }),
    ),
  ];
  place.receiver.always({ status: 500 });
  const failed = await place.run(0, {}, { tasks, project: 'PLANTED', host: 'PLANTED', command: 'run PLANTED' });
  const kept = [place.store.load(), place.store.spooled()];
  place.receiver.always({});
  const sent = await place.run(1, {}, { tasks, project: 'PLANTED', host: 'PLANTED', command: 'run PLANTED' });
  expect(sent.delivered).toBe(1);
  const everything = JSON.stringify([
    failed,
    kept,
    sent,
    place.store.load(),
    place.receiver.requests.map(({ body }) => body),
  ]);
  expect(everything).not.toMatch(/PLANTED|PLANT%45D|slackPathIsASecret/);
  expect(everything).toContain('[secret]');
});

test.each([
  'x'.repeat(10_000),
  '😀'.repeat(5_000),
  '@everyone <!channel> </script>',
  '\u0000\u001b[2J\ud83d',
  '"\\'.repeat(5_000),
])('makes messages that both receivers accept of any text', async (text) => {
  await using place = await openPlace({ on: 'warn' });
  const step = (index: number) =>
    stepOf(`${index} ${text}`, text, { verdict: index % 2 === 0 ? 'warn' : 'fail', remediation: [text, text] });
  const tasks = [taskOf('health', ...Array.from({ length: 15 }, (_, index) => step(index)))];
  const report = await place.run(0, {}, { tasks, project: text, host: text, command: text });
  expect(place.receiver.requests.map(({ violation }) => violation)).toEqual([undefined, undefined]);
  expect(report).toMatchObject({ delivered: 1, undelivered: 0 });
});

/** Everything goes to the webhook, and to Slack only where that takes nothing. */
const FALLBACK = { routes: { ticket: { channels: ['hook'], fallback: ['slack'] } } };

function pathsOf({ receiver }: Place): readonly string[] {
  return receiver.accepted().map(({ path }) => (path === '/hook' ? 'hook' : 'slack'));
}

test('tells the fallback when no channel of the route took an alarm, and the end to whoever took it', async () => {
  await using place = await openPlace(FALLBACK);
  place.receiver.next({ status: 500 }, { status: 500 }, { status: 500 });
  expect(await place.run(0, { disk: 'fail' })).toMatchObject({ delivered: 1, undelivered: 0 });
  expect(pathsOf(place)).toEqual(['slack']);
  expect(place.store.spooled()).toEqual([]);
  await place.run(1, { disk: 'done' });
  expect(pathsOf(place)).toEqual(['slack', 'slack']);
});

test('makes a channel that refuses for good a problem of its own, told by another, and over when it works again', async () => {
  await using place = await openPlace(FALLBACK);
  place.receiver.next({ status: 404 });
  const report = await place.run(0, { disk: 'fail' });
  expect(report).toMatchObject({ delivered: 2, undelivered: 0 });
  expect(pathsOf(place)).toEqual(['slack', 'slack']);
  expect(place.receiver.accepted().at(-1)?.body).toContain('channel hook');
  expect(open(place).find(({ check }) => check === 'alerting')).toMatchObject({ step: 'channel hook', seen: 'fail' });
  await place.run(1, { disk: 'fail', memory: 'fail' });
  expect(
    open(place)
      .map(({ step }) => step)
      .toSorted(),
  ).toEqual(['disk', 'memory']);
  expect(place.receiver.accepted().at(-1)?.body).toContain('took an alert');
});

test('sends one message for each route and owner, the most urgent first', async () => {
  await using place = await openPlace({ routes: {}, owner: 'db', checks: { memory: { owner: 'ops' } } });
  const concern = (check: string, alertClass: 'page' | 'ticket') =>
    ({ check, alertClass, dimension: 'resources', impact: 'it stops' }) as const;
  const step = (title: string, check: string, alertClass: 'page' | 'ticket') =>
    stepOf(title, 'bad', { verdict: 'fail', concern: concern(check, alertClass) });
  const tasks = [
    taskOf(
      'health',
      step('clock', 'clock', 'ticket'),
      step('memory', 'memory', 'ticket'),
      step('disk /', 'disk', 'page'),
      step('disk /srv', 'disk', 'page'),
    ),
  ];
  await place.run(0, {}, { tasks });
  expect(told(place)).toEqual([['disk /: first', 'disk /srv: first'], ['clock: first'], ['memory: first']]);
  const ids = place.receiver.requests.flatMap(({ headers }) => headers['webhook-id'] ?? []);
  expect(ids.map((id) => id.replace(/^alert_[0-9a-f-]{36}/, ''))).toEqual(['_page_db', '_ticket_db', '_ticket_ops']);
});
