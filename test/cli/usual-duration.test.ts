import { expect, test } from 'vitest';
import { fingerprintOf, readFindings } from '../../src/alerts/problems.ts';
import { judgeDuration } from '../../src/cli/usual-duration.ts';
import type { LedgerEntry } from '../../src/engine/ledger.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { makeWorld } from '../support/world.ts';

const MINUTE_MS = 60_000;

const minuteLong = (index: number): LedgerEntry => ({
  job: 'daily',
  slot: null,
  status: index % 2 === 0 ? 'ok' : 'warn',
  run: `run-${index}`,
  host: 'db1',
  pid: 1,
  bootId: 'boot',
  startedAt: '2026-11-21T03:17:00.000Z',
  finishedAt: '2026-11-21T03:18:00.000Z',
  exitCode: 0,
  isCatchUp: false,
  reason: null,
  fence: null,
});

const earlier = Array.from({ length: 5 }, (_, index) => minuteLong(index));
const judge = (durationMs: number, verdict: 'done' | 'fail' = 'done', lines = earlier) =>
  judgeDuration(
    { job: 'daily', tasks: [taskOf('backup', stepOf('dump', 'it', { verdict }))], durationMs, earlier: lines },
    makeWorld({ cwd: '/nonexistent' }),
  );

test('a round that takes three times as long or a tenth is a warning, and one that failed is judged by that alone', () => {
  expect(judge(MINUTE_MS)).toMatchObject([{ task: 'duration', verdict: 'done', steps: [{ title: 'daily' }] }]);
  expect(judge(4 * MINUTE_MS)).toMatchObject([{ verdict: 'warn', steps: [{ detail: 'schedule.duration' }] }]);
  expect(judge(MINUTE_MS / 20)).toMatchObject([{ verdict: 'warn' }]);
  expect(judge(MINUTE_MS / 20, 'fail')).toEqual([]);
  const unfinished = earlier.map((line) => ({ ...line, status: 'failed' as const }));
  expect(judge(MINUTE_MS / 20, 'done', unfinished), 'runs that failed say nothing').toEqual([]);
});

test('the duration of one job says nothing about that of another', () => {
  const findings = readFindings(reportOf(judge(MINUTE_MS)), 'warn');
  const subject = (step: string) => ({ fingerprint: fingerprintOf('app', 'duration', step), task: 'duration', step });
  expect(findings.standing(subject('daily'))).toMatchObject({ is: 'recovered' });
  expect(findings.standing(subject('weekly'))).toEqual({ is: 'unknown' });
});
