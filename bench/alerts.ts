/**
 * How long decisions about alerts take: a thousand problems in one run, and a thousand runs about one problem, with routes,
 * owners, hours and silences. Nothing is sent.
 * Run it with `node bench/alerts.ts [decisions] [rounds]`.
 */
import { decide } from '../src/alerts/decide.ts';
import { ownerSettings } from '../src/alerts/owner-settings.ts';
import { policyOf } from '../src/alerts/policy-of.ts';
import { settle } from '../src/alerts/settle.ts';
import { alertSettings } from '../src/alerts/settings.ts';
import type { AlertState } from '../src/alerts/state.ts';
import type { RunReport } from '../src/engine/report.ts';
import type { Verdict } from '../src/engine/verdict.ts';
import { reportOf, stepOf, taskOf } from '../test/support/reports.ts';

const DECISIONS = Number(process.argv[2] ?? 1_000);
const ROUNDS = Number(process.argv[3] ?? 20);
const TARGET_MS = 50;
const START = Date.parse('2026-11-23T02:00:00.000Z');

const policy = policyOf({
  settings: await alertSettings.parseAsync({
    channels: ['pager', 'chat'].map((name) => ({ name, type: 'slack', url: `https://${name}.example.com` })),
    owner: 'db',
    routes: {
      page: { channels: ['pager'], for: '2 of 3', escalate: [{ after: '30m', to: ['chat'] }] },
      ticket: { channels: ['chat'], digest: true },
    },
  }),
  owners: await ownerSettings.parseAsync({ db: { contact: '@db', hours: 'Mon-Fri 09:00-18:00 Europe/Berlin' } }),
  mutes: Array.from({ length: 20 }, (_, index) => ({
    silence: `silence-${index}`,
    by: 'ana',
    reason: 'swap',
    until: new Date(START).toISOString(),
    matchers: [{ key: 'step', pattern: `disk /silent-${index}*` }],
  })),
});

/** A run in which that many disks said this. */
function run(index: number, disks: number, verdict: Verdict): RunReport {
  const concern = { check: 'disk', dimension: 'resources', alertClass: 'page', impact: 'the database stops' } as const;
  const steps = Array.from({ length: disks }, (_, disk) =>
    stepOf(`disk /${disk}`, '97 % full', { verdict, concern, remediation: ['df -h'] }),
  );
  return reportOf([taskOf('health', ...steps)], { run: `run-${index}` });
}

/** Decides about one run after the other, as if every channel took everything. @returns how many were told */
function live(runs: readonly RunReport[]): number {
  let states: readonly AlertState[] = [];
  let told = 0;
  for (const [index, report] of runs.entries()) {
    const now = new Date(START + index * 300_000);
    const decision = decide({ states, report, now, policy });
    const at = now.toISOString();
    told += decision.notifications.length;
    states = settle(
      decision.states,
      decision.notifications.map((notification) => ({ notification, channels: ['pager'], at })),
    );
  }
  return told;
}

const verdicts: readonly Verdict[] = ['fail', 'fail', 'done', 'done', 'done', 'fail', 'fail'];
const contests = [
  { name: 'problems in one run', runs: [run(0, DECISIONS, 'fail')] },
  {
    name: 'runs about one problem',
    runs: Array.from({ length: DECISIONS }, (_, index) => run(index, 1, verdicts[index % verdicts.length] ?? 'done')),
  },
];

const rows = contests.map(({ name, runs }) => {
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const startedAt = performance.now();
    live(runs);
    return performance.now() - startedAt;
  }).slice(1);
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
  const isMet = median < TARGET_MS;
  if (!isMet) process.exitCode = 1;
  return { [`${DECISIONS}`]: name, 'median ms': median.toFixed(1), 'target ms': `< ${TARGET_MS}`, met: isMet };
});
console.table(rows);
