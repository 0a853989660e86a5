import { expect, test } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import type { RunReport } from '../../src/engine/report.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

function ended(verdicts: readonly Verdict[], differences: Partial<RunReport> = {}): RunReport {
  return reportOf([taskOf('health', ...verdicts.map((verdict) => stepOf(verdict, 'x', { verdict })))], differences);
}

const UNDELIVERED = { alerts: { delivered: 2, undelivered: 1, lines: [] } };

test.each<[string, RunReport, number, number]>([
  ['nothing to do', ended([]), 0, 0],
  ['done and skipped', ended(['done', 'skip']), 0, 0],
  ['a dry run', ended(['not-run'], { dryRun: true, alerts: null }), 0, 0],
  ['a warning', ended(['done', 'warn']), 0, 1],
  ['a failure', ended(['warn', 'fail']), 1, 1],
  ['a crash', ended(['warn', 'crash']), 4, 4],
  ['a failure beside a crash', ended(['crash', 'fail', 'crash']), 1, 1],
  ['an undelivered alert', ended(['done'], UNDELIVERED), 1, 1],
  ['an undelivered alert beside a crash', ended(['crash'], UNDELIVERED), 1, 1],
  ['SIGHUP', ended(['done'], { stoppedBy: 'SIGHUP' }), 129, 129],
  ['SIGINT after a failure', ended(['fail'], { stoppedBy: 'SIGINT' }), 130, 130],
  ['SIGTERM', ended(['not-run'], { stoppedBy: 'SIGTERM' }), 143, 143],
])('%s', (_, report, code, codeWhenWarningsFail) => {
  expect(exitCodeOf(report, 'fail')).toBe(code);
  expect(exitCodeOf(report, 'warn')).toBe(codeWhenWarningsFail);
});
