import type { RunReport } from '../../src/engine/report.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const connections = stepOf('connections in use', '6 of 100 connections in use', {
  facts: { used: 6, limit: 100 },
  samples: [{ name: 'connections.used', subject: 'app', value: 6, unit: 'count' }],
});
const dump = stepOf('dump app', '412 MB, 184 objects, checksum 9f3c1a', { durationMs: 41_200 });
const nothingOld = stepOf('expire old backups', 'nothing that old', { verdict: 'skip', durationMs: 1 });
const disk = stepOf('disk /var/lib/postgresql', '81 % full, full in about 12 days', {
  verdict: 'warn',
  remediation: [
    'Find what grows: du -xh /var/lib/postgresql | sort -h | tail',
    'Or move the directory to a larger disk.',
  ],
  detail: 'disk.filling',
});

/** One report for each way a run can end, with the rendering settings that matter. */
export const REPORTS: Readonly<Record<string, RunReport>> = {
  'all-good': reportOf([taskOf('health', connections), taskOf('backup', dump, nothingOld)], {
    slot: '2026-11-21T02:00:00.000Z',
  }),
  warnings: reportOf([taskOf('health', connections, disk), taskOf('backup', dump, nothingOld)], {
    notices: ['the state directory /var/lib/maint cannot be written, so this run leaves no trace in the journal'],
    alerts: { delivered: 1, undelivered: 0, lines: ['disk /var/lib/postgresql: told slack'] },
  }),
  'failure-and-crash': reportOf([
    taskOf(
      'health',
      disk,
      stepOf('endpoint https://app.example/health', 'no answer within 5 s', {
        verdict: 'crash',
        code: 'HTTP_FAILED',
        remediation: ['Check the address, and that this host may reach it.'],
        durationMs: 5_003,
      }),
    ),
    taskOf(
      'backup',
      stepOf(
        'dump app',
        'pg_dump ended with exit code 1: permission denied for table \u001b[31minvoices\u001b[0m\u0007',
        {
          verdict: 'fail',
          code: 'PROGRAM_FAILED',
          remediation: ['GRANT SELECT ON invoices TO maint;'],
          durationMs: 912,
        },
      ),
      stepOf('expire old backups', 'an earlier step failed', { verdict: 'not-run', durationMs: 0 }),
    ),
  ]),
  'dry-run': reportOf(
    [
      taskOf('health', stepOf('connections in use', 'would run', { verdict: 'not-run', durationMs: 0 })),
      taskOf(
        'backup',
        stepOf('dump app', 'would run', {
          verdict: 'not-run',
          durationMs: 0,
          intent: ['write about 412 MB to /backups/app/2026-11-21T02-00-00Z', 'need 1.2 GB free; 88 GB are'],
        }),
        stepOf('expire old backups', 'would run', {
          verdict: 'not-run',
          durationMs: 0,
          intent: ['delete /backups/app/2026-10-01T02-00-00Z (391 MB)'],
        }),
      ),
    ],
    { dryRun: true, alerts: null },
  ),
  stopped: reportOf(
    [
      taskOf('health', connections),
      taskOf(
        'backup',
        stepOf('dump app', 'stopped: the run was stopped by SIGTERM', {
          verdict: 'not-run',
          code: 'CANCELLED',
          durationMs: 12_000,
        }),
      ),
    ],
    { stoppedBy: 'SIGTERM' },
  ),
  'zero-config': reportOf([taskOf('health', connections), taskOf('backup', dump)], {
    config: null,
    assumptions: [
      'backups go to /var/lib/maint/backups, because no directory was named',
      'the last 7 backups are kept, and at least one of each of the last 4 weeks, as nobody said otherwise',
    ],
  }),
  undelivered: reportOf([taskOf('health', disk)], {
    command: 'health',
    alerts: { delivered: 0, undelivered: 1, lines: ['disk /var/lib/postgresql: slack answered 503'] },
  }),
  nothing: reportOf([], { command: 'weekly', database: null }),
};
