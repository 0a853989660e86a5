import { expect, test } from 'vitest';
import { decide, type Decision } from '../../src/alerts/decide.ts';
import { fingerprintOf } from '../../src/alerts/problems.ts';
import { settle } from '../../src/alerts/settle.ts';
import type { AlertState } from '../../src/alerts/state.ts';

import type { RunReport } from '../../src/engine/report.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { policyFrom } from '../support/alerts.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const HOUR_MS = 3_600_000;
const POLICY = await policyFrom();
const WARNINGS_TOO = await policyFrom({ on: 'warn' });
const NOON = Date.parse('2026-11-21T12:00:00.000Z');

const after = (hours: number): Date => new Date(NOON + hours * HOUR_MS);
const disk = (verdict: Verdict, summary = `disk is ${verdict}`): RunReport =>
  reportOf([
    taskOf('health', stepOf('disk /', summary, { verdict, remediation: verdict === 'done' ? [] : ['df -h'] })),
  ]);

/** States after these reports, one an hour, each message taken by the named channels. */
function lived(reports: readonly RunReport[], channels: readonly string[] = ['slack']): readonly AlertState[] {
  return reports.reduce<readonly AlertState[]>((states, report, hour) => {
    const run = { ...report, run: `run-${hour}` };
    const decision = decide({ states, report: run, now: after(hour), policy: WARNINGS_TOO });
    return taken(decision, after(hour), channels);
  }, []);
}

function taken({ notifications, states }: Decision, now: Date, channels: readonly string[]): readonly AlertState[] {
  const at = now.toISOString();
  return settle(
    states,
    notifications.map((notification) => ({ notification, channels, at })),
  );
}

const reasons = ({ notifications }: Decision): readonly string[] =>
  notifications.map(({ task, step, reason }) => `${task}/${step}: ${reason}`);

test('tells a failure the first time it is seen, to everyone, with what to do', () => {
  const { notifications } = decide({ states: [], report: disk('fail', '99 % full'), now: after(0), policy: POLICY });
  expect(notifications).toMatchObject([
    {
      fingerprint: fingerprintOf('app', 'health', 'disk /'),
      reason: 'first',
      task: 'health',
      step: 'disk /',
      severity: 'fail',
      summary: '99 % full',
      remediation: expect.arrayContaining(['df -h', 'maint alerts ack c10fe076ee --for 4h']),
      firstSeenAt: after(0).toISOString(),
      channels: 'all',
    },
  ]);
});

test('tells what could not be found out like a failure, and a warning only where warnings are wanted', () => {
  const told = (verdict: Verdict, policy: typeof POLICY) =>
    reasons(decide({ states: [], report: disk(verdict), now: after(0), policy }));
  expect(told('crash', POLICY)).toEqual(['health/disk /: first']);
  expect(told('warn', POLICY)).toEqual([]);
  expect(told('warn', WARNINGS_TOO)).toEqual(['health/disk /: first']);
  for (const verdict of ['done', 'skip', 'not-run'] as const) expect(told(verdict, WARNINGS_TOO)).toEqual([]);
});

test('is silent about a problem that stays, until it is time to repeat it', () => {
  const states = lived([disk('fail')]);
  const told = (hours: number) => reasons(decide({ states, report: disk('fail'), now: after(hours), policy: POLICY }));
  expect(told(1)).toEqual([]);
  expect(told(23.99)).toEqual([]);
  expect(told(24)).toEqual(['health/disk /: repeat_due']);
});

test('tells again what no channel took', () => {
  const first = decide({ states: [], report: disk('fail'), now: after(0), policy: POLICY });
  const second = decide({ states: taken(first, after(0), []), report: disk('fail'), now: after(1), policy: POLICY });
  expect(reasons(second)).toEqual(['health/disk /: first']);
  expect(second.notifications[0]?.firstSeenAt).toBe(after(0).toISOString());
});

test('tells a warning that became a failure at once, and a failure that became a warning not at all', () => {
  const raised = decide({ states: lived([disk('warn')]), report: disk('fail'), now: after(1), policy: WARNINGS_TOO });
  expect(reasons(raised)).toEqual(['health/disk /: severity_raised']);
  expect(raised.notifications[0]?.severity).toBe('fail');
  const lowered = decide({ states: lived([disk('fail')]), report: disk('warn'), now: after(1), policy: WARNINGS_TOO });
  expect(reasons(lowered)).toEqual([]);
  expect(lowered.states[0]?.severity).toBe('warn');
});

test('tells a raised severity again until a channel took it', () => {
  const raised = decide({ states: lived([disk('warn')]), report: disk('fail'), now: after(1), policy: WARNINGS_TOO });
  const lost = decide({
    states: taken(raised, after(1), []),
    report: disk('fail'),
    now: after(2),
    policy: WARNINGS_TOO,
  });
  expect(reasons(lost)).toEqual(['health/disk /: severity_raised']);
  const heard = decide({
    states: taken(raised, after(1), ['a']),
    report: disk('fail'),
    now: after(2),
    policy: WARNINGS_TOO,
  });
  expect(reasons(heard)).toEqual([]);
});

test('does not take a failure for worse than a crash', () => {
  expect(
    reasons(decide({ states: lived([disk('crash')]), report: disk('fail'), now: after(1), policy: POLICY })),
  ).toEqual([]);
});

test('tells a recovery to the channels that took the alarm, with what the step says now', () => {
  const states = lived([disk('fail'), disk('fail')], ['slack', 'hook']);
  const { notifications } = decide({ states, report: disk('done', '41 % full'), now: after(2), policy: POLICY });
  expect(notifications).toMatchObject([
    {
      reason: 'recovered',
      severity: 'fail',
      summary: '41 % full',
      channels: ['slack', 'hook'],
      firstSeenAt: after(0).toISOString(),
    },
  ]);
});

test('drops a problem in silence that is over before any channel heard of it', () => {
  const decision = decide({ states: lived([disk('fail')], []), report: disk('done'), now: after(1), policy: POLICY });
  expect(decision.notifications).toEqual([]);
  expect(decision.states).toMatchObject([{ phase: 'ok' }]);
});

test('begins a new story after a recovery was told', () => {
  const states = lived([disk('fail'), disk('done')]);
  expect(states).toMatchObject([{ phase: 'ok', deliveredTo: [] }]);
  expect(reasons(decide({ states, report: disk('fail'), now: after(2), policy: POLICY }))).toEqual([
    'health/disk /: first',
  ]);
});

test('keeps telling a recovery to the channel that missed it, and tells a new failure to all', () => {
  const failed = lived([disk('fail')], ['slack', 'hook']);
  const over = decide({ states: failed, report: disk('done'), now: after(1), policy: POLICY });
  const half = taken(over, after(1), ['slack']);
  expect(decide({ states: half, report: disk('done'), now: after(2), policy: POLICY }).notifications).toMatchObject([
    { reason: 'recovered', channels: ['hook'] },
  ]);
  expect(decide({ states: half, report: disk('fail'), now: after(2), policy: POLICY }).notifications).toMatchObject([
    { reason: 'first', channels: 'all', firstSeenAt: after(2).toISOString() },
  ]);
});

test('says that a failure which is now a warning is only that, where warnings are not told', () => {
  const { notifications } = decide({
    states: lived([disk('fail')]),
    report: disk('warn', '81 %'),
    now: after(1),
    policy: POLICY,
  });
  expect(notifications).toMatchObject([{ reason: 'recovered', summary: 'only a warning now: 81 %' }]);
});

test('takes a problem for gone when its task was planned without it', () => {
  const states = lived([disk('fail')]);
  const report = reportOf([taskOf('health', stepOf('disk /srv', 'fine'))]);
  expect(decide({ states, report, now: after(1), policy: POLICY }).notifications).toMatchObject([
    { reason: 'gone', step: 'disk /', channels: ['slack'] },
  ]);
});

test('leaves problems open when the plan of their task crashed, and closes the crash when it plans again', () => {
  const crash = stepOf('plan', 'the server did not answer', { verdict: 'crash', code: 'DATABASE_UNREACHABLE' });
  const crashed = reportOf([{ ...taskOf('health', crash), planned: false }]);
  const first = decide({ states: lived([disk('fail')]), report: crashed, now: after(1), policy: POLICY });
  expect(reasons(first)).toEqual(['health/plan: new_in_group']);
  const states = taken(first, after(1), ['slack']);
  expect(states.map(({ step }) => step).toSorted()).toEqual(['disk /', 'plan']);
  const again = decide({ states, report: disk('fail'), now: after(2), policy: POLICY });
  expect(reasons(again)).toEqual(['health/plan: recovered']);
});

test.each([
  ['a step that was not run', disk('not-run')],
  ['a run without the task', reportOf([taskOf('backup', stepOf('dump', 'fine'))])],
  ['a dry run', { ...disk('done'), dryRun: true }],
  ['a step that was cut off when the run was stopped', stopped()],
  ['a run of another project', { ...disk('done'), project: 'other' }],
])('learns nothing from %s', (_, report) => {
  const states = lived([disk('fail')]);
  expect(decide({ states, report, now: after(1), policy: POLICY })).toEqual({ notifications: [], states, changes: [] });
});

test.each([
  ['skipped', [stepOf('disk /', 'the database does not answer', { verdict: 'skip' })]],
  ['missing', []],
])('learns nothing from a step that is %s in a round with trouble, for that may be the reason', (_, others) => {
  const answer = stepOf('database answers', 'refused', { verdict: 'fail', remediation: ['start it'] });
  const states = lived([disk('fail')]);
  const troubled = decide({
    states,
    report: reportOf([taskOf('health', answer, ...others)]),
    now: after(1),
    policy: POLICY,
  });
  expect(reasons(troubled)).toEqual(['health/database answers: new_in_group']);
  expect(troubled.states.map(({ step }) => step)).toContain('disk /');
});

function stopped(): RunReport {
  const step = stepOf('disk /', 'the run was stopped', { verdict: 'crash', code: 'CANCELLED' });
  return reportOf([taskOf('health', step)], { stoppedBy: 'SIGTERM' });
}

test('puts failures first, then what could not be found out, warnings, and good news last', () => {
  const states = lived([disk('fail')]);
  const report = reportOf([
    taskOf(
      'health',
      stepOf('disk /', 'fine'),
      stepOf('a', '', { verdict: 'warn' }),
      stepOf('b', '', { verdict: 'crash' }),
    ),
    taskOf('backup', stepOf('z', '', { verdict: 'fail' }), stepOf('c', '', { verdict: 'fail' })),
  ]);
  const { notifications } = decide({ states, report, now: after(1), policy: WARNINGS_TOO });
  expect(notifications.map(({ step }) => step)).toEqual(['c', 'z', 'b', 'a', 'disk /']);
});

test('counts two steps of the same name as one problem, by the worse of them', () => {
  const twice = (one: Verdict, other: Verdict) =>
    reportOf([taskOf('health', stepOf('x', one, { verdict: one }), stepOf('x', other, { verdict: other }))]);
  for (const report of [twice('fail', 'warn'), twice('warn', 'fail')])
    expect(decide({ states: [], report, now: after(0), policy: WARNINGS_TOO }).notifications).toMatchObject([
      { severity: 'fail', summary: 'fail' },
    ]);
});

test('is neither silenced nor made to repeat by a clock that goes back a year', () => {
  let states = lived([disk('fail')]);
  const yearBack = -365 * 24;
  const told: number[] = [];
  for (let hour = yearBack; hour < yearBack + 49; hour += 1) {
    const decision = decide({ states, report: disk('fail'), now: after(hour), policy: POLICY });
    if (decision.notifications.length > 0) told.push(hour - yearBack);
    states = taken(decision, after(hour), ['slack']);
  }
  expect(told).toEqual([24, 48]);
});

test('knows a problem by names alone', () => {
  expect(fingerprintOf('app', 'health', 'disk /')).toBe('c10fe076ee1a4a21');
  expect(fingerprintOf('app', 'health', 'disk /')).not.toBe(fingerprintOf('app', 'healthd', 'isk /'));
});
