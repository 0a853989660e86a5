import { expect, test } from 'vitest';
import { toAnnotations } from '../../src/cli/github.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { REPORTS } from './reports.ts';

test('a run in which all is well leaves no annotation', () => {
  expect(toAnnotations(REPORTS['all-good'] ?? reportOf([]), 'fail')).toBe('');
});

test('what failed or could not be found out is an error, a warning is one only when asked', () => {
  const steps = (['done', 'warn', 'fail', 'crash', 'skip', 'not-run'] as const).map((verdict) =>
    stepOf(verdict, `it ${verdict}`, { verdict }),
  );
  const report = reportOf([taskOf('verify-backup', ...steps)]);
  expect(toAnnotations(report, 'fail').split('\n')).toEqual([
    '::warning title=maint verify-backup%3A warn::it warn',
    '::error title=maint verify-backup%3A fail::it fail',
    '::error title=maint verify-backup%3A crash::it crash',
    '',
  ]);
  expect(toAnnotations(report, 'warn')).not.toContain('::warning');
});

test('nothing that a step says can end its annotation, begin another, or show a password', () => {
  const hostile = 'a, b: 100 %\r\n::set-output name=x::y \u001b[31m postgres://maint:hunter2@db1/app';
  const step = stepOf(hostile, hostile, { verdict: 'fail', remediation: [hostile] });
  const text = toAnnotations(reportOf([taskOf('backup', step)]), 'fail');
  expect(text.match(/\n/g)).toHaveLength(1);
  expect(text.slice(2)).not.toContain('\n::');
  expect(text).not.toContain('hunter2');
  expect(text).not.toContain('\u001b');
});
