import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { describe, expect } from 'vitest';
import { answerEvent, changeEvent, subjectOfState } from '../../src/alerts/events.ts';
import { fingerprintOf } from '../../src/alerts/problems.ts';
import { main } from '../../src/cli/main.ts';
import { journalAlertStore } from '../../src/cli/alert-store.ts';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { stateOf } from '../support/alerts.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { test as base } from '../support/state.ts';
import { makeWorld } from '../support/world.ts';

/** A Monday, three in the morning in Berlin. */
const NIGHT = Date.parse('2026-11-23T02:00:00.000Z');
const MINUTE_MS = 60_000;
const ID = fingerprintOf('app', 'cert-audit', 'inventory');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A set-up with three Slack channels, a clock, and one check that fails when told to. */
interface Place {
  readonly folder: string;
  readonly receiver: Receiver;
  configure(alerts: object): void;
  /** Lets so many minutes pass. */
  wait(minutes: number): void;
  now(): Date;
  run(...argv: readonly string[]): Promise<Ended>;
  /** A run of the check, that fails or not. */
  audit(verdict: 'fail' | 'done'): Promise<Ended>;
  /** How many messages each channel has taken. */
  told(): Readonly<Record<string, number>>;
  texts(): string;
}

const test = base.extend<{ place: Place }>({
  place: async ({ folder }, use) => {
    await using receiver = await startReceiver();
    let at = NIGHT;
    const names = ['pager', 'chat', 'boss'];
    const channels = names.map((name) => ({ name, type: 'slack', url: `${receiver.slackUrl}/${name}` }));
    const paths = () => receiver.accepted().map(({ path }) => path.split('/').at(-1) ?? '');
    const run = async (env: Readonly<Record<string, string>>, argv: readonly string[]): Promise<Ended> => {
      const world = makeWorld({ cwd: folder, now: () => new Date(at), env });
      const code = await main([...argv, '--config', join(folder, 'maint.yaml')], world);
      return { code, out: world.out(), err: world.err() };
    };
    const place: Place = {
      folder,
      receiver,
      configure: (alerts) => {
        const owners = { db: { contact: '@db', hours: 'Mon-Fri 09:00-18:00 Europe/Berlin' } };
        const settings = { name: 'app', owners, alerts: { channels, owner: 'db', ...alerts } };
        writeFileSync(join(folder, 'maint.yaml'), stringify(settings), { mode: 0o600 });
      },
      wait: (minutes) => void (at += minutes * MINUTE_MS),
      now: () => new Date(at),
      run: async (...argv) => run({}, argv),
      audit: async (verdict) => run(verdict === 'fail' ? { MAINT_FAULT: 'inventory=fail' } : {}, ['cert-audit']),
      told: () => Object.fromEntries(names.map((name) => [name, paths().filter((path) => path === name).length])),
      texts: () =>
        receiver
          .accepted()
          .map(({ body }) => body)
          .join('\n'),
    };
    place.configure({
      checks: { certificates: { class: 'page' } },
      routes: {
        page: { channels: ['pager'], escalate: [{ after: '30m', to: ['boss'] }] },
        ticket: { channels: ['chat'] },
      },
    });
    await use(place);
  },
});

describe('a page', () => {
  test('escalates unless somebody looks after it, and is told again when that ends', async ({ place }) => {
    await place.audit('fail');
    expect(place.told()).toEqual({ pager: 1, chat: 0, boss: 0 });
    place.wait(30);
    expect((await place.run('tick', '--cron')).out).toBe('');
    expect(place.told()).toEqual({ pager: 1, chat: 0, boss: 1 });
    const ack = await place.run('alerts', 'ack', ID.slice(0, 6), '--for', '4h', '--by', 'ana', '--note', 'on it');
    expect(ack).toMatchObject({
      code: 0,
      out: expect.stringContaining('ana looks after cert-audit, inventory for 4 h'),
    });
    expect(await place.run('alerts', 'list')).toMatchObject({
      code: 0,
      out: expect.stringContaining('ana looks after it'),
    });
    place.wait(120);
    await place.audit('fail');
    expect(place.told()).toEqual({ pager: 1, chat: 0, boss: 1 });
    place.wait(120);
    await place.run('tick', '--cron');
    expect(place.told()).toEqual({ pager: 2, chat: 0, boss: 1 });
    expect(place.texts()).toContain('acknowledged by ana (on it)');
    await place.audit('done');
    expect(place.told()).toEqual({ pager: 3, chat: 0, boss: 2 });
    const shown = await place.run('alerts', 'show', ID, '--json');
    const { events }: { events: readonly { kind: string }[] } = JSON.parse(shown.out);
    expect(events.map(({ kind }) => kind)).toEqual(['fired', 'told', 'told', 'acked', 'told', 'resolved', 'ended']);
  });

  test('is listed with exit code 1, and explains itself', async ({ place }) => {
    expect(await place.run('alerts', 'list')).toMatchObject({ code: 0, out: 'nothing is wrong\n' });
    await place.audit('fail');
    expect(await place.run('alerts', 'list')).toMatchObject({ code: 1, out: expect.stringContaining(ID.slice(0, 10)) });
    const { out } = await place.run('alerts', 'explain', ID.slice(0, 8));
    for (const part of [
      'class page: alerts.checks.certificates.class',
      'owner db',
      'route page: to pager',
      'told pager',
    ])
      expect(out).toContain(part);
    for (const part of ['maint runbook certificates', 'db (@db)']) expect(place.texts()).toContain(part);
    // Whoever reads it sits somewhere else.
    expect(place.texts()).toMatch(new RegExp(`maint alerts ack --config /\\S+ ${ID.slice(0, 10)}`));
  });

  test('whose state is lost still ends where it began', async ({ place }) => {
    await place.audit('fail');
    {
      using journal = openJournal(join(place.folder, 'state', 'app'), place.now());
      journalAlertStore(journal).save([]);
    }
    await place.audit('done');
    expect(place.told()).toEqual({ pager: 2, chat: 0, boss: 0 });
  });
});

test('a ticket found at night is told in the morning, by a tick', async ({ place }) => {
  place.configure({ routes: { page: { channels: ['pager'] }, ticket: { channels: ['chat'], digest: true } } });
  await place.audit('fail');
  expect(place.told()).toEqual({ pager: 0, chat: 0, boss: 0 });
  expect((await place.run('alerts', 'explain', ID)).out).toContain('held: it waits for the hours of its owner');
  place.wait(6 * 60);
  await place.run('tick', '--cron');
  expect(place.told()).toEqual({ pager: 0, chat: 1, boss: 0 });
});

test('planned work keeps an alarm back while its window is open, and whoever is awake hears of it afterwards', async ({
  place,
}) => {
  const routes = { page: { channels: ['pager'] }, ticket: { channels: ['chat'] } };
  const work = { cron: '0 3 * * 1', for: '2h', timezone: 'Europe/Berlin', reason: 'new authority', by: 'ana' };
  place.configure({
    checks: { certificates: { class: 'page' } },
    routes,
    windows: [{ ...work, match: ['check=cert*'] }],
  });
  await place.audit('fail');
  expect(place.told(), 'muted while it is open').toEqual({ pager: 0, chat: 0, boss: 0 });
  expect((await place.run('history')).out, 'but looked at').toContain('cert-audit');
  expect((await place.run('alerts', 'explain', ID)).out).toContain('new authority');
  place.wait(119);
  await place.run('tick', '--cron');
  expect(place.told()).toEqual({ pager: 0, chat: 0, boss: 0 });
  place.wait(11);
  await place.run('tick', '--cron');
  expect(place.told(), 'told after it').toEqual({ pager: 1, chat: 0, boss: 0 });
  expect(place.texts()).toContain('new authority');
  await place.audit('done');
  expect(place.told()).toEqual({ pager: 2, chat: 0, boss: 0 });
});

test('a ticket that no channel took waits through the night like any other', async ({ place }) => {
  place.wait(14 * 60 + 55);
  place.configure({ routes: { page: { channels: ['pager'] }, ticket: { channels: ['chat'] } } });
  place.receiver.always({ status: 403 });
  expect((await place.audit('fail')).code).toBe(1);
  place.receiver.always({});
  place.wait(60);
  await place.run('tick', '--cron');
  expect(place.told(), 'seven in the evening').toMatchObject({ chat: 0 });
  place.wait(14 * 60 + 10);
  await place.run('tick', '--cron');
  expect(place.told(), 'nine in the morning').toMatchObject({ chat: 1 });
});

describe('a silence', () => {
  const ADD = ['silence', 'add', '--match', 'check=cert*', '--by', 'ana'] as const;

  test('keeps an alarm back, counts it, and says whose it was when it has ended', async ({ place }) => {
    const secret = await place.run(
      'silence',
      'add',
      '--match',
      'check=x',
      '--for',
      '1h',
      '--reason',
      'password=hunter2',
    );
    expect(secret).toMatchObject({ code: 0, out: expect.not.stringContaining('hunter2') });
    expect((await place.run('silence', 'list')).out).not.toContain('hunter2');
    await place.run('silence', 'expire', secret.out.slice(0, 8));
    expect((await place.run(...ADD, '--for', '2h', '--reason', 'new authority')).code).toBe(0);
    await place.audit('fail');
    expect(place.told()).toEqual({ pager: 0, chat: 0, boss: 0 });
    expect((await place.run('silence', 'list')).out).toContain('by ana: new authority; kept 1 alarm from being told');
    expect((await place.run('history')).out).toContain('cert-audit');
    place.wait(130);
    await place.audit('fail');
    expect(place.texts()).toContain('the silence of ana (new authority) expired 10 min ago');
    expect((await place.run('silence', 'list')).out).toBe('nothing is silent\n');
  });

  test('ends by itself once what it kept silent is over, where that was asked for', async ({ place }) => {
    await place.run(...ADD, '--for', '10d', '--reason', 'x', '--until-resolved');
    await place.audit('fail');
    await place.audit('done');
    expect((await place.run('silence', 'list')).out).toBe('nothing is silent\n');
    await place.audit('fail');
    expect(place.told()).toEqual({ pager: 1, chat: 0, boss: 0 });
  });

  test('that matches nothing for a week is called stale, and can be ended', async ({ place }) => {
    await place.run('silence', 'add', '--match', 'check=gone', '--for', '20d', '--reason', 'x');
    expect((await place.run('silence', 'list', '--stale')).out).toBe('nothing is silent\n');
    place.wait(8 * 24 * 60);
    const stale = await place.run('silence', 'list', '--stale', '--json');
    const { silences }: { silences: readonly { id: string }[] } = JSON.parse(stale.out);
    expect(silences).toHaveLength(1);
    expect((await place.run('silence', 'expire', silences[0]?.id ?? '')).code).toBe(0);
    expect((await place.run('silence', 'list')).out).toBe('nothing is silent\n');
  });

  test.each([
    [[...ADD, '--reason', 'x'], '--for'],
    [[...ADD, '--for', '2h'], '--reason'],
    [['silence', 'add', '--for', '2h', '--reason', 'x'], '--match'],
    [[...ADD, '--for', '31d', '--reason', 'x'], '30 days'],
    [[...ADD, '--for', 'ever', '--reason', 'x'], '"ever" is not a duration'],
    [['silence', 'add', '--match', 'chek=x', '--for', '2h', '--reason', 'x'], 'Did you mean "check=x"?'],
    [['silence', 'expire', 'ffffffff'], '--config names another one'],
  ])('is refused: %j', async (argv, expected) => {
    const { folder } = { folder: '/nonexistent' };
    const world = makeWorld({ cwd: folder, env: { MAINT_STATE_DIR: join('/tmp', `maint-none-${process.pid}`) } });
    expect(await main(argv, world)).toBe(2);
    expect(world.err()).toContain(expected);
  });
});

describe('whether alerts are worth it', () => {
  /** Ten alerts of one check: it failed once in each of ten hours, and twice in a row in the three that mattered. */
  function seed(place: Place): void {
    using journal = openJournal(join(place.folder, 'state', 'app'), place.now());
    const store = journalAlertStore(journal);
    const fingerprint = fingerprintOf('app', 'health', 'disk /');
    for (let hour = 0; hour < 10; hour += 1) {
      const isReal = hour < 3;
      const began = NIGHT - (40 - 4 * hour) * 60 * MINUTE_MS;
      const verdicts: readonly Verdict[] = isReal ? ['fail', 'fail', 'done', 'done'] : ['fail', 'done', 'done', 'done'];
      for (const [index, verdict] of verdicts.entries()) remember(journal, began + index * 4 * MINUTE_MS, verdict);
      const at = new Date(began);
      const state = stateOf({ fingerprint, firstSeenAt: at.toISOString() });
      const run = `run-${hour}`;
      store.record([changeEvent({ kind: 'fired', state, alertClass: 'page', run }, at)]);
      const ended = new Date(began + (isReal ? 8 : 4) * MINUTE_MS);
      store.record([changeEvent({ kind: 'resolved', state, alertClass: 'page', run }, ended)]);
      const outcome = isReal ? 'action' : hour < 8 ? 'no-action' : null;
      if (outcome !== null)
        store.record([answerEvent(subjectOfState(state), { kind: 'closed', by: 'ana', note: null, outcome }, at)]);
    }
  }

  function remember(journal: ReturnType<typeof openJournal>, at: number, verdict: Verdict): void {
    const startedAt = new Date(at).toISOString();
    const run = crypto.randomUUID();
    const concern = { check: 'disk', dimension: 'resources', alertClass: 'page', impact: 'it stops' } as const;
    const samples = [
      { name: 'disk.used', subject: '/', value: verdict === 'fail' ? 0.95 : 0.5, unit: 'ratio' },
    ] as const;
    const step = stepOf('disk /', verdict, { verdict, concern, samples });
    journal.begin({ run, command: 'health', tier: null, slot: null, host: 'db1', pid: 1, bootId: 'b', startedAt });
    journal.finish(reportOf([taskOf('health', step)], { run, startedAt }));
  }

  test('is told by stats, with exit code 1 when most needed no action', async ({ place }) => {
    seed(place);
    const { code, out } = await place.run('alerts', 'stats', '--since', '7d', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      fired: 10,
      byClass: { page: 10, ticket: 0, report: 0 },
      action: 3,
      noAction: 5,
      unlabelled: 2,
      selfResolved: 2,
      noActionRate: 0.625,
      medianResolveMs: 4 * MINUTE_MS,
      noisy: [{ task: 'health', step: 'disk /', count: 10 }],
      isTiring: true,
    });
    expect(await place.run('alerts', 'stats', '--since', '1h')).toMatchObject({ code: 0 });
  });

  test('is mended by tune: fewer alerts, and none lost that somebody acted on', async ({ place }) => {
    seed(place);
    const { out } = await place.run('alerts', 'tune', 'disk', '--json');
    expect(JSON.parse(out)).toMatchObject({
      runs: 40,
      current: { firings: 10, kept: 3, missed: 0 },
      proposed: { need: { hits: 2, of: 2 }, firings: 3, kept: 3, missed: 0, latestMs: 4 * MINUTE_MS },
    });
    const text = await place.run('alerts', 'tune', 'disk');
    expect(text.out).toContain('would have told 3 instead of 10, all 3 that mattered among them');
    const deaf = await place.run('alerts', 'tune', 'disk', '--fail-at', '0.99', '--for', '1', '--json');
    expect(JSON.parse(deaf.out)).toMatchObject({ tried: [{ firings: 0, missed: 3 }], proposed: null });
    const nothing = await place.run('alerts', 'tune', 'dsik');
    expect(nothing).toMatchObject({ code: 2, err: expect.stringContaining('looked at dsik') });
  });
});
