import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../../src/alerts/decide.ts';
import { isRecovery, type Notification } from '../../src/alerts/notification.ts';
import type { AlertPolicy, Mute } from '../../src/alerts/policy.ts';
import { settle } from '../../src/alerts/settle.ts';
import type { AlertState } from '../../src/alerts/state.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { policyFrom } from '../support/alerts.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const RUNS = { numRuns: 500 };
const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-20T08:00:00.000Z');
const CHANNELS = ['pager', 'chat', 'boss'];

/** A policy with everything in it; a test takes away what it does not want. */
const FULL = await policyFrom(
  {
    on: 'warn',
    channels: CHANNELS.map((name) => ({ name, type: 'slack', url: `https://${name}.example.com` })),
    owner: 'db',
    routes: {
      page: {
        channels: ['pager'],
        for: '2 of 3',
        resolveAfter: 2,
        repeatAfter: '2h',
        escalate: [{ after: '1h', to: ['boss'] }],
      },
      ticket: { channels: ['chat'] },
    },
  },
  { db: { contact: '@db', hours: 'Mon-Fri 09:00-18:00 UTC' } },
);

const SILENCE: Mute = {
  silence: 'a1b2c3d4',
  by: 'ana',
  reason: 'swap',
  until: new Date(START).toISOString(),
  matchers: [{ key: 'check', pattern: 'disk' }],
};

/** One moment: what the check said if anybody looked, whether it is silenced or acknowledged, and which channels work. */
interface Happening {
  readonly minutes: number;
  readonly verdict: Verdict | undefined;
  readonly isSilenced: boolean;
  readonly isAcknowledged: boolean;
  readonly working: readonly string[];
}

const happening: fc.Arbitrary<Happening> = fc.record({
  minutes: fc.integer({ min: 1, max: 600 }),
  verdict: fc.constantFrom<Verdict | undefined>('done', 'done', 'warn', 'fail', 'fail', 'crash', undefined),
  isSilenced: fc.constantFrom(true, false, false),
  isAcknowledged: fc.constantFrom(true, false, false, false),
  working: fc.constantFrom(CHANNELS, CHANNELS, CHANNELS, [], ['chat']),
});
const history = fc.array(happening, { maxLength: 60 });

interface Moment {
  readonly now: number;
  readonly happening: Happening;
  readonly notification: Notification | undefined;
  /** The channels that took it. */
  readonly taken: readonly string[];
  readonly state: AlertState | undefined;
}

function play(happenings: readonly Happening[], full: AlertPolicy = FULL): readonly Moment[] {
  let now = START;
  let states: readonly AlertState[] = [];
  return happenings.map((each, index) => {
    now += each.minutes * MINUTE_MS;
    const at = new Date(now).toISOString();
    const policy = { ...full, mutes: each.isSilenced ? [SILENCE] : [] };
    if (each.isAcknowledged) states = states.map((state) => ({ ...state, ack: ackUntil(now, state) }));
    const decision = decide({ states, report: reportAt(each, index), now: new Date(now), policy });
    const [notification] = decision.notifications;
    const taken = notification === undefined ? [] : each.working.filter((name) => notification.channels.includes(name));
    states = settle(decision.states, notification === undefined ? [] : [{ notification, channels: taken, at }]);
    return { now, happening: each, notification, taken, state: states[0] };
  });
}

function ackUntil(now: number, { phase }: AlertState): AlertState['ack'] {
  if (phase === 'ok') return null;
  const until = new Date(now + 120 * MINUTE_MS).toISOString();
  return { by: 'ana', note: null, at: new Date(now).toISOString(), until };
}

function reportAt({ verdict }: Happening, index: number) {
  const concern = { check: 'disk', dimension: 'resources', alertClass: 'page', impact: 'it stops' } as const;
  const tasks = verdict === undefined ? [] : [taskOf('health', stepOf('disk /', verdict, { verdict, concern }))];
  return reportOf(tasks, { run: `run-${index}` });
}

const holds = (each: (moments: readonly Moment[]) => void, full?: AlertPolicy): void =>
  fc.assert(
    fc.property(history, (happenings) => each(play(happenings, full))),
    RUNS,
  );

test('never tells a channel of an end whose alarm it did not take, and of each end once', () => {
  holds((moments) => {
    const alarmed = new Set<string>();
    for (const { notification, taken } of moments) {
      if (notification === undefined) continue;
      if (isRecovery(notification)) for (const name of notification.channels) expect(alarmed).toContain(name);
      for (const name of taken)
        if (isRecovery(notification)) alarmed.delete(name);
        else alarmed.add(name);
    }
  });
});

test('tells every channel that took an alarm of its end, once it is over for good and everything works', () => {
  const calm: Happening = {
    minutes: 60,
    verdict: 'done',
    isSilenced: false,
    isAcknowledged: false,
    working: CHANNELS,
  };
  fc.assert(
    fc.property(history, (happenings) => {
      // Four days of good results: longer than a weekend, and than what it takes to be stable.
      const moments = play([...happenings, ...Array.from({ length: 96 }, () => calm)]);
      expect(moments.at(-1)?.state?.deliveredTo ?? []).toEqual([]);
      expect(moments.at(-1)?.state?.flapping ?? null).toBeNull();
      const alarmed = new Map<string, number>(CHANNELS.map((name) => [name, 0]));
      for (const { notification, taken } of moments)
        for (const name of taken)
          alarmed.set(name, notification !== undefined && isRecovery(notification) ? 0 : (alarmed.get(name) ?? 0) + 1);
      expect([...alarmed.values()]).toEqual([0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});

test('never repeats within the interval of its class unless it got worse, or had another reason', () => {
  holds((moments) => {
    let last = -Infinity;
    for (const { notification, taken, now } of moments) {
      if (notification?.reason === 'repeat_due') {
        const interval = notification.alertClass === 'page' ? 120 : 24 * 60;
        expect(now - last).toBeGreaterThanOrEqual(interval * MINUTE_MS);
      }
      if (taken.length > 0) last = now;
    }
  });
});

test('tells no alarm of what is silenced, and only what got worse of what is acknowledged', () => {
  holds((moments) => {
    for (const {
      notification,
      happening: { isSilenced, isAcknowledged },
    } of moments) {
      if (notification === undefined || isRecovery(notification)) continue;
      expect(isSilenced).toBe(false);
      if (isAcknowledged)
        expect([
          'severity_raised',
          'flapping_started',
          'flapping_stopped',
          'silence_expired',
          'first',
          'new_in_group',
        ]).toContain(notification.reason);
    }
  });
});

test('sends no ticket outside the hours of its owner, and a page at any hour', () => {
  holds((moments) => {
    for (const { notification, now } of moments) {
      if (notification?.alertClass !== 'ticket') continue;
      const at = new Date(now);
      expect([0, 6]).not.toContain(at.getUTCDay());
      expect(at.getUTCHours()).toBeGreaterThanOrEqual(8);
      expect(at.getUTCHours()).toBeLessThan(18);
    }
  });
});

test('loses nothing to a silence: what is seen is the same with and without', () => {
  fc.assert(
    fc.property(history, (happenings) => {
      const seen = (moments: readonly Moment[]) => moments.map(({ state }) => state && [state.phase, state.recent]);
      const loud = happenings.map((each) => ({ ...each, isSilenced: false, isAcknowledged: false }));
      const quiet = happenings.map((each) => ({ ...each, isSilenced: true, isAcknowledged: false }));
      // What comes and goes is forgotten at another moment when somebody heard of it.
      const plain = { ...FULL, flapping: false };
      expect(seen(play(quiet, plain))).toEqual(seen(play(loud, plain)));
    }),
    RUNS,
  );
});

test('decides the same when the same run is asked twice', () => {
  holds((moments) => {
    const last = moments.at(-1);
    if (last?.state === undefined) return;
    const report = reportAt(last.happening, moments.length - 1);
    const request = { report, now: new Date(last.now), policy: FULL };
    const once = decide({ states: [last.state], ...request });
    const twice = decide({ states: once.states, ...request });
    expect([twice.notifications, twice.states, twice.changes]).toEqual([once.notifications, once.states, []]);
    expect(JSON.parse(JSON.stringify(once.notifications))).toEqual(once.notifications);
  });
});
