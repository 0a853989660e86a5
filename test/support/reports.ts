import type { RunReport, StepReport, TaskReport } from '../../src/engine/report.ts';
import { worst } from '../../src/engine/verdict.ts';

/** A report that lacks nothing; a test names what matters to it. */
export function reportOf(tasks: readonly TaskReport[], differences: Partial<RunReport> = {}): RunReport {
  return {
    format: 1,
    maint: '1.2.3',
    run: '0f0e0d0c-0b0a-4908-8706-050403020100',
    command: 'daily',
    project: 'app',
    host: 'web1',
    database: 'app on db1:5432',
    config: '/etc/maint.yaml',
    assumptions: [],
    notices: [],
    slot: null,
    fence: null,
    dryRun: false,
    startedAt: '2026-11-21T02:00:00.000Z',
    finishedAt: '2026-11-21T02:00:42.000Z',
    durationMs: 42_000,
    verdict: worst(tasks.map(({ verdict }) => verdict)),
    stoppedBy: null,
    tasks,
    alerts: { delivered: 0, undelivered: 0, lines: [] },
    ...differences,
  };
}

/** A task that was planned, with these steps. */
export function taskOf(task: string, ...steps: readonly StepReport[]): TaskReport {
  const durationMs = steps.reduce((sum, step) => sum + step.durationMs, 0);
  return { task, verdict: worst(steps.map(({ verdict }) => verdict)), durationMs, planned: true, steps };
}

/** A step that is done, unless a test says otherwise. */
export function stepOf(title: string, summary: string, differences: Partial<StepReport> = {}): StepReport {
  return {
    title,
    summary,
    verdict: 'done',
    facts: {},
    remediation: [],
    concern: null,
    code: null,
    detail: null,
    intent: [],
    samples: [],
    startedAt: '2026-11-21T02:00:00.000Z',
    durationMs: 3,
    ...differences,
  };
}
