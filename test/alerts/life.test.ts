import { describe, expect, test } from 'vitest';
import { decide, type Decision } from '../../src/alerts/decide.ts';
import { isRecovery } from '../../src/alerts/notification.ts';
import { fingerprintOf } from '../../src/alerts/problems.ts';
import type { AlertPolicy, Mute } from '../../src/alerts/policy.ts';
import { settle } from '../../src/alerts/settle.ts';
import type { AlertState } from '../../src/alerts/state.ts';
import type { AlertClass } from '../../src/engine/concern.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { policyFrom } from '../support/alerts.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const MINUTE_MS = 60_000;
/** A Monday, three in the morning in Berlin. */
const NIGHT = '2026-11-23T02:00:00.000Z';

const PAGER = { name: 'pager', type: 'webhook', url: 'https://pager.example.com' };
const CHAT = { name: 'chat', type: 'slack', url: 'https://chat.example.com' };
const BACKUP = { name: 'backup', type: 'webhook', url: 'https://backup.example.com' };
const OWNERS = { db: { contact: '@db', hours: 'Mon-Fri 09:00-18:00 Europe/Berlin' } };

interface RouteChanges {
  readonly page?: object;
  readonly ticket?: object;
}

async function routed(
  { page = {}, ticket = {} }: RouteChanges = {},
  mutes: readonly Mute[] = [],
): Promise<AlertPolicy> {
  const settings = {
    channels: [PAGER, CHAT, BACKUP],
    on: 'warn',
    owner: 'db',
    routes: { page: { channels: ['pager'], fallback: ['backup'], ...page }, ticket: { channels: ['chat'], ...ticket } },
  };
  return policyFrom(settings, OWNERS, mutes);
}

/** A history of runs under one policy; every channel takes everything, unless a test says otherwise. */
class Life {
  policy: AlertPolicy;
  now: number;
  states: readonly AlertState[] = [];
  isDeaf = false;
  #runs = 0;

  constructor(policy: AlertPolicy, at = NIGHT) {
    this.policy = policy;
    this.now = Date.parse(at);
  }

  wait(minutes: number): this {
    this.now += minutes * MINUTE_MS;
    return this;
  }

  /** A run in which the check said this; without a verdict, one that looked at nothing. */
  run(verdict?: Verdict, alertClass: AlertClass = 'page'): readonly string[] {
    const step = stepOf('disk /', `disk is ${verdict ?? ''}`, {
      verdict: verdict ?? 'done',
      concern: { check: 'disk', dimension: 'resources', alertClass, impact: 'the database stops' },
    });
    const report = reportOf(verdict === undefined ? [] : [taskOf('health', step)], { run: `run-${(this.#runs += 1)}` });
    const decision = decide({ states: this.states, report, now: new Date(this.now), policy: this.policy });
    this.#settle(decision);
    return decision.notifications.map(({ reason, channels }) => `${reason} ${String(channels)}`);
  }

  last: Decision | undefined;

  #settle(decision: Decision): void {
    this.last = decision;
    const at = new Date(this.now).toISOString();
    const told = decision.notifications.map((notification) => ({
      notification,
      channels: this.isDeaf || notification.channels === 'all' ? [] : notification.channels,
      at,
    }));
    this.states = settle(decision.states, told);
  }

  ack(minutes: number): void {
    const until = new Date(this.now + minutes * MINUTE_MS).toISOString();
    const ack = { by: 'ana', note: 'disk ordered', at: new Date(this.now).toISOString(), until };
    this.states = this.states.map((state) => ({ ...state, ack }));
  }
}

describe('a page', () => {
  test('is told at once, also at night, with owner, impact, runbook and the commands to answer it', async () => {
    const life = new Life(await routed());
    expect(life.run('fail')).toEqual(['first pager']);
    const id = fingerprintOf('app', 'health', 'disk /').slice(0, 10);
    expect(life.last?.notifications).toMatchObject([
      {
        alertClass: 'page',
        owner: 'db (@db)',
        impact: 'the database stops',
        fallback: ['backup'],
        group: 'page_db',
        remediation: [
          'maint runbook disk',
          `maint alerts ack ${id} --for 4h`,
          `maint alerts close ${id} --outcome action # or no-action, false-positive, duplicate`,
        ],
      },
    ]);
  });

  test('waits for so many bad results, and is never heard of when it ends before', async () => {
    const life = new Life(await routed({ page: { for: 2 } }));
    expect([life.run('fail'), life.run('done'), life.run('fail')]).toEqual([[], [], []]);
    expect(life.run('fail')).toEqual(['first pager']);
  });

  test('counts x of the newest y results', async () => {
    const life = new Life(await routed({ page: { for: '2 of 3' } }));
    const quiet = (['fail', 'done', 'done', 'fail'] as const).flatMap((verdict) => life.run(verdict));
    expect(quiet).toEqual([]);
    expect(life.run('fail')).toEqual(['first pager']);
  });

  test('is over only after so many good results, and one bad one in between begins to count anew', async () => {
    const life = new Life(await routed({ page: { resolveAfter: 2 } }));
    life.run('fail');
    expect([life.run('done'), life.run('fail'), life.run('done')]).toEqual([[], [], []]);
    expect(life.run('done')).toEqual(['recovered pager']);
  });

  test('escalates when nobody acknowledges it, also without a new result, and its end goes there too', async () => {
    const life = new Life(await routed({ page: { escalate: [{ after: '30m', to: ['chat'] }] } }));
    life.run('fail');
    expect(life.wait(29).run()).toEqual([]);
    expect(life.wait(1).run()).toEqual(['escalated chat']);
    expect(life.wait(5).run()).toEqual([]);
    expect(life.run('done')).toEqual(['recovered pager,chat']);
  });

  test('neither escalates nor repeats while somebody looks after it, and is told again when that ends', async () => {
    const life = new Life(await routed({ page: { escalate: [{ after: '30m', to: ['chat'] }] } }));
    life.run('fail');
    life.ack(240);
    expect([life.wait(60).run('fail'), life.wait(60).run('fail')]).toEqual([[], []]);
    expect(life.wait(120).run()).toEqual(['ack_expired pager']);
    expect(life.last?.notifications[0]?.note).toBe('acknowledged by ana (disk ordered) until just now');
  });

  test('is told at once when it gets worse, acknowledged or not, but a warning of it waits for working hours', async () => {
    const life = new Life(await routed());
    expect(life.run('warn')).toEqual([]);
    expect(life.wait(7 * 60).run('warn')).toEqual(['first chat']);
    life.ack(600);
    expect(life.wait(1).run('fail')).toEqual(['severity_raised pager']);
    expect(life.states[0]?.ack).toBeNull();
    expect(life.wait(9 * 60).run('done')).toEqual(['recovered chat,pager']);
  });

  test('repeats after its interval, but not when nobody looked', async () => {
    const life = new Life(await routed({ page: { repeatAfter: '1h' } }));
    life.run('fail');
    expect([life.wait(59).run('fail'), life.wait(1).run()]).toEqual([[], []]);
    expect(life.run('fail')).toEqual(['repeat_due pager']);
  });
});

describe('a ticket', () => {
  test('found at night is told when the hours of its owner begin, though nobody looked again', async () => {
    const life = new Life(await routed());
    expect(life.run('fail', 'ticket')).toEqual([]);
    expect(life.wait(5 * 60 + 58).run()).toEqual([]);
    expect(life.wait(2).run()).toEqual(['first chat']);
  });

  test('that is over before those hours is never heard of', async () => {
    const life = new Life(await routed());
    life.run('fail', 'ticket');
    expect([life.run('done', 'ticket'), life.wait(8 * 60).run()]).toEqual([[], []]);
  });

  test('ends at night in silence, and says so in the morning', async () => {
    const life = new Life(await routed(), '2026-11-23T10:00:00.000Z');
    expect(life.run('fail', 'ticket')).toEqual(['first chat']);
    expect(life.wait(12 * 60).run('done', 'ticket')).toEqual([]);
    expect(life.wait(12 * 60).run()).toEqual(['recovered chat']);
  });

  test('of a digest waits for the next morning', async () => {
    const life = new Life(await routed({ ticket: { digest: true } }), '2026-11-23T10:00:00.000Z');
    expect(life.run('fail', 'ticket')).toEqual([]);
    expect(life.wait(22 * 60).run('fail', 'ticket')).toEqual(['first chat']);
  });

  test('a report is never sent', async () => {
    const life = new Life(await routed(), '2026-11-23T10:00:00.000Z');
    expect([life.run('fail', 'report'), life.wait(48 * 60).run('fail', 'report')]).toEqual([[], []]);
    expect(life.states).toMatchObject([{ phase: 'firing' }]);
  });
});

describe('a problem that comes and goes', () => {
  const told = (life: Life, verdicts: readonly Verdict[]) => verdicts.flatMap((verdict) => life.wait(5).run(verdict));
  const alternating = Array.from<unknown, Verdict>({ length: 12 }, (_, index) => (index % 2 === 0 ? 'fail' : 'done'));
  const ten = (verdict: Verdict) => Array.from({ length: 10 }, () => verdict);

  test('is told twice, then once that it does, and at last how it ended', async () => {
    const life = new Life(await routed());
    const all = told(life, alternating);
    expect(all).toEqual(['first pager', 'recovered pager', 'first pager', 'recovered pager', 'flapping_started pager']);
    expect(told(life, ten('done'))).toEqual(['recovered pager']);
    expect(told(life, ['fail'])).toEqual(['first pager']);
  });

  test('that stays says so', async () => {
    const life = new Life(await routed());
    told(life, alternating);
    expect(told(life, ten('fail'))).toEqual(['flapping_stopped pager']);
    expect(told(life, ['done'])).toEqual(['recovered pager']);
  });

  test('still says at once that it got worse', async () => {
    const life = new Life(await routed({ ticket: { hours: 'always' } }));
    const warnings = alternating.map((verdict) => (verdict === 'fail' ? 'warn' : verdict));
    told(life, warnings);
    expect(told(life, ['fail', 'done', 'fail', 'done'])).toEqual(['severity_raised pager']);
  });

  test('is one after three alarms within a day', async () => {
    const life = new Life(await routed({ page: { resolveAfter: 2 } }));
    const round: readonly Verdict[] = ['fail', 'done', 'done'];
    expect(told(life, [...round, ...round]).filter((line) => line.startsWith('first'))).toHaveLength(2);
    expect(told(life, ['fail'])).toEqual(['flapping_started pager']);
  });
});

describe('a silence', () => {
  const until = '2026-11-23T03:00:00.000Z';
  const silence = (pattern: string): Mute => ({
    silence: 'a1b2c3d4',
    by: 'ana',
    reason: 'disk swap',
    until,
    matchers: [{ key: 'check', pattern }],
  });

  test('keeps an alarm from being told, and says afterwards whose it was', async () => {
    const [open, muted] = [await routed(), await routed({}, [silence('disk*')])];
    const life = new Life(muted);
    expect([life.run('fail'), life.wait(30).run('fail')]).toEqual([[], []]);
    expect(life.states).toMatchObject([{ phase: 'firing', muted: { by: 'ana' } }]);
    life.policy = open;
    expect(life.wait(40).run()).toEqual(['silence_expired pager']);
    expect(life.last?.notifications[0]?.note).toBe('the silence of ana (disk swap) expired 10 min ago');
    expect(life.wait(1).run('fail')).toEqual([]);
  });

  test('keeps no recovery from whoever took the alarm', async () => {
    const life = new Life(await routed());
    life.run('fail');
    life.policy = await routed({}, [silence('disk')]);
    expect(life.run('done')).toEqual(['recovered pager']);
  });

  test('of something else does nothing', async () => {
    const life = new Life(await routed({}, [silence('memory')]));
    expect(life.run('fail')).toEqual(['first pager']);
  });
});

test('one message about the database stands for all that suffers from it', async () => {
  const policy = await routed();
  const answers = stepOf('database answers', 'refused', {
    verdict: 'fail',
    concern: { check: 'database-answers', dimension: 'dependencies', alertClass: 'page', impact: 'nothing works' },
  });
  const locks = stepOf('locks', 'the database does not answer', {
    verdict: 'skip',
    facts: { inhibitedBy: 'database answers' },
  });
  const dump = stepOf('dump app', 'no answer', { verdict: 'crash', code: 'DATABASE_UNREACHABLE' });
  const report = reportOf([taskOf('health', answers, locks), taskOf('backup', dump)]);
  const { notifications, states } = decide({ states: [], report, now: new Date(NIGHT), policy });
  expect(notifications.map(({ step }) => step)).toEqual(['database answers']);
  expect(states).toHaveLength(1);
  expect(notifications.every(isRecovery)).toBe(false);
});

test('the same run decides the same, however often it is asked', async () => {
  const policy = await routed({ page: { for: 2 } });
  const step = stepOf('disk /', 'full', { verdict: 'fail' });
  const report = reportOf([taskOf('health', step)]);
  const once = decide({ states: [], report, now: new Date(NIGHT), policy });
  const twice = decide({ states: once.states, report, now: new Date(NIGHT), policy });
  expect(twice.notifications).toEqual(once.notifications);
  expect(twice.states).toEqual(once.states);
});
