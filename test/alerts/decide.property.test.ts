import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, type Decision } from '../../src/alerts/decide.ts';
import { isRecovery, type Notification } from '../../src/alerts/notification.ts';
import { settle } from '../../src/alerts/settle.ts';
import type { AlertState } from '../../src/alerts/state.ts';
import type { RunReport } from '../../src/engine/report.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { policyFrom } from '../support/alerts.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const RUNS = { numRuns: 1_500 };
const CHANNELS = ['slack', 'hook'];
const REPEAT_MS = 24 * 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');

/** One run: what its steps said, how long after the last one it came, and which channels worked. */
interface Happening {
  readonly gapMs: number;
  readonly report: RunReport;
  readonly working: readonly string[];
}

const verdict = fc.constantFrom<Verdict>('done', 'skip', 'warn', 'fail', 'crash', 'not-run');
const task = (name: string, steps: readonly string[]) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(...steps.map((title) => fc.option(verdict).map((v) => ({ title, v }))))
        .map((all) =>
          taskOf(name, ...all.flatMap(({ title, v }) => (v === null ? [] : [stepOf(title, v, { verdict: v })]))),
        ),
    },
    {
      weight: 1,
      arbitrary: fc.constant({ ...taskOf(name, stepOf('plan', '', { verdict: 'crash' })), planned: false }),
    },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
const report = fc
  .tuple(task('health', ['a', 'b']), task('backup', ['dump']))
  .map((tasks) => reportOf(tasks.filter((each) => each !== undefined)));
const happening: fc.Arbitrary<Happening> = fc.record({
  gapMs: fc.integer({ min: 1, max: 2 * REPEAT_MS }),
  report,
  working: fc.subarray(CHANNELS),
});
const history = fc.array(happening, { maxLength: 30 });
const policy = fc.constantFrom<'warn' | 'fail'>('warn', 'fail').map((on) => ({ on }));

/** Everything to every channel at once; what comes and goes has properties of its own. */
const PLAIN = await policyFrom({ flapping: false });

interface Moment {
  readonly now: number;
  readonly before: readonly AlertState[];
  readonly decision: Decision;
  readonly after: readonly AlertState[];
  readonly happening: Happening;
}

/** Plays a history; each notification reaches those of its channels that work. */
function play(happenings: readonly Happening[], on: 'warn' | 'fail'): readonly Moment[] {
  let now = START;
  let states: readonly AlertState[] = [];
  return happenings.map((each, index) => {
    now += each.gapMs;
    const before = states;
    const decision = decide({
      states,
      report: { ...each.report, run: `run-${index}` },
      now: new Date(now),
      policy: { ...PLAIN, on },
    });
    states = settle(
      decision.states,
      decision.notifications.map((notification) => ({
        notification,
        channels: reached(notification, each.working),
        at: new Date(now).toISOString(),
      })),
    );
    return { now, before, decision, after: states, happening: each };
  });
}

function reached({ channels }: Notification, working: readonly string[]): readonly string[] {
  return working.filter((name) => channels === 'all' || channels.includes(name));
}

/** What one channel was told about each problem, told as a story. */
function check(
  happenings: readonly Happening[],
  on: 'warn' | 'fail',
  each: (moment: Moment, n: Notification) => void,
): void {
  for (const moment of play(happenings, on)) for (const n of moment.decision.notifications) each(moment, n);
}

test('never tells a channel of a recovery whose alarm it did not take', () => {
  fc.assert(
    fc.property(history, policy, (happenings, { on }) => {
      const alarmed = new Set<string>();
      check(happenings, on, ({ happening: { working } }, n) => {
        if (isRecovery(n)) {
          expect(n.channels).not.toBe('all');
          for (const name of n.channels) expect(alarmed).toContain(`${name} ${n.fingerprint}`);
        }
        for (const name of reached(n, working))
          if (isRecovery(n)) alarmed.delete(`${name} ${n.fingerprint}`);
          else alarmed.add(`${name} ${n.fingerprint}`);
      });
    }),
    RUNS,
  );
});

test('tells each problem of a run unless it was told less than the repeat interval ago', () => {
  fc.assert(
    fc.property(history, policy, (happenings, { on }) => {
      for (const { now, before, decision, happening } of play(happenings, on)) {
        const problems = happening.report.tasks.flatMap(({ task, steps }) =>
          steps
            .filter(({ verdict }) => verdict === 'fail' || verdict === 'crash' || (on === 'warn' && verdict === 'warn'))
            .map(({ title }) => ({ task, step: title })),
        );
        for (const { task, step } of problems) {
          const state = before.find((known) => known.task === task && known.step === step);
          const isFresh = state?.lastToldAt != null && now - Date.parse(state.lastToldAt) < REPEAT_MS;
          const isTold = decision.notifications.some((n) => n.task === task && n.step === step && !isRecovery(n));
          expect(isTold || isFresh).toBe(true);
        }
      }
    }),
    RUNS,
  );
});

test('does not tell a problem twice within the repeat interval unless it got worse or was over in between', () => {
  fc.assert(
    fc.property(history, policy, (happenings, { on }) => {
      const toldAt = new Map<string, number>();
      check(happenings, on, ({ now, happening: { working } }, n) => {
        const last = toldAt.get(n.fingerprint);
        if (!isRecovery(n) && n.reason !== 'severity_raised' && last !== undefined)
          expect(now - last).toBeGreaterThanOrEqual(REPEAT_MS);
        if (reached(n, working).length === 0) return;
        if (isRecovery(n)) toldAt.delete(n.fingerprint);
        else toldAt.set(n.fingerprint, now);
      });
    }),
    RUNS,
  );
});

test('calls a failure new exactly when no channel believes in it', () => {
  fc.assert(
    fc.property(history, policy, (happenings, { on }) => {
      const believed = new Set<string>();
      check(happenings, on, ({ happening: { working } }, n) => {
        if (!isRecovery(n))
          expect(n.reason === 'first' || n.reason === 'new_in_group').toBe(!believed.has(n.fingerprint));
        if (reached(n, working).length === 0) return;
        if (isRecovery(n)) believed.delete(n.fingerprint);
        else believed.add(n.fingerprint);
      });
    }),
    RUNS,
  );
});

test('decides the same from the same, and says each thing once', () => {
  fc.assert(
    fc.property(history, policy, (happenings, { on }) => {
      const first = play(happenings, on);
      expect(play(structuredClone(happenings), on)).toEqual(first);
      for (const { decision } of first) {
        const told = decision.notifications.map(({ fingerprint }) => fingerprint);
        expect(new Set(told).size).toBe(told.length);
        expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
      }
    }),
    RUNS,
  );
});

test('survives a clock that jumps: a problem that stays is told again within twice the interval of steady time', () => {
  const jump = fc.integer({ min: -400 * REPEAT_MS, max: 400 * REPEAT_MS });
  fc.assert(
    fc.property(jump, (jumpMs) => {
      const failing = reportOf([taskOf('health', stepOf('a', '', { verdict: 'fail' }))]);
      let states: readonly AlertState[] = [];
      const told: number[] = [];
      for (let hour = 0; hour < 96; hour += 1) {
        const now = new Date(START + hour * 3_600_000 + (hour > 10 ? jumpMs : 0));
        const decision = decide({ states, report: failing, now, policy: PLAIN });
        if (decision.notifications.length > 0) told.push(hour);
        const at = now.toISOString();
        states = settle(
          decision.states,
          decision.notifications.map((notification) => ({ notification, channels: ['a'], at })),
        );
      }
      const gaps = told.map((hour, index) => (told[index + 1] ?? 96) - hour);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(48);
      expect(told.length).toBeLessThanOrEqual(6);
    }),
    { numRuns: 1_000 },
  );
});
