import { describe, expect, test } from 'vitest';
import { nagiosCode, toNagios } from '../../src/cli/nagios.ts';
import { toPrometheus } from '../../src/cli/prometheus.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';

const HOSTILE = `it's | a = "b" \\ \u0007\nend`;

function ended(...verdicts: readonly Verdict[]) {
  const steps = verdicts.map((verdict) => stepOf(verdict, `is ${verdict}`, { verdict, remediation: ['act'] }));
  return reportOf([taskOf('health', ...steps)], { command: 'health' });
}

describe('nagios', () => {
  test.each<[number, readonly Verdict[]]>([
    [0, ['done', 'skip']],
    [1, ['done', 'warn']],
    [2, ['warn', 'crash', 'fail']],
    [3, ['warn', 'crash']],
  ])('exit code %i for %j', (code, verdicts) => {
    expect(nagiosCode(ended(...verdicts))).toBe(code);
  });

  test('an alert that nobody took is a warning, and a stopped run tells nothing', () => {
    const alerts = { delivered: 0, undelivered: 1, lines: [] };
    expect(nagiosCode({ ...ended('done'), alerts })).toBe(1);
    expect(nagiosCode({ ...ended('fail'), alerts })).toBe(2);
    expect(nagiosCode({ ...ended('done'), stoppedBy: 'SIGTERM' })).toBe(3);
  });

  test('the worst finding and every number are in the first line, what to do is below', () => {
    const report = reportOf(
      [
        taskOf(
          'health',
          stepOf('connections', '2 of 97 in use', {
            samples: [{ name: 'connections.used', subject: 'app on db1:5432', value: 0.0206, unit: 'ratio' }],
          }),
          stepOf('clock', 'slow', { verdict: 'warn', remediation: ['chronyc tracking | head'] }),
          stepOf('disk /', '95 % full', {
            verdict: 'fail',
            remediation: ['df -h'],
            samples: [
              { name: 'disk.free', subject: '/', value: 8e12, unit: 'bytes' },
              { name: 'wait', subject: '/', value: 0.25, unit: 'seconds' },
              { name: 'errors', subject: '/', value: 10, unit: 'count' },
            ],
          }),
        ),
      ],
      { command: 'health' },
    );
    expect(toNagios(report)).toBe(
      `MAINT HEALTH CRITICAL: disk /: 95 % full (and 1 more problem) | 'connections.used app on db1:5432'=2.06%;;;0;100 'disk.free /'=8000000000000B;;;0 'wait /'=0.25s;;;0 'errors /'=10;;;0
CRITICAL disk /: 95 % full
  df -h
WARNING clock: slow
  chronyc tracking / head
`,
    );
  });

  test('a bar or a line break in a finding does not break the form', () => {
    const step = stepOf(HOSTILE, HOSTILE, {
      verdict: 'fail',
      samples: [{ name: HOSTILE, subject: HOSTILE, value: 1, unit: 'seconds' }],
    });
    const [first = '', ...rest] = toNagios(reportOf([taskOf('health', step)], { command: 'health' })).split('\n');
    expect(first).toMatch(/^[A-Z ]+ (OK|WARNING|CRITICAL|UNKNOWN): [^|]* \| '[^'=|]+'=[-0-9.U]+(s|%|B|c)?;;;0$/);
    expect(rest.join('')).not.toContain('|');
  });
});

describe('prometheus', () => {
  test('every family has help and type once, before its numbers', () => {
    const text = toPrometheus(ended('done', 'warn', 'fail', 'crash', 'skip'));
    for (const [verdict, value] of Object.entries({ done: 0, warn: 1, fail: 2, crash: 3 }))
      expect(text).toMatch(
        new RegExp(`^maint_check_status\\{project="[^"]+",task="health",check="${verdict}"\\} ${value}$`, 'm'),
      );
    expect(text).not.toMatch(/maint_check_status\{.*check="skip"/);
    expect(text.match(/^# TYPE maint_check_status gauge$/gm)).toHaveLength(1);
    expect(text).toMatch(/^maint_run_last_start_timestamp_seconds\{.*\} \d{10}/m);
    expect(text.endsWith('\n')).toBe(true);
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(families).size).toBe(families.length);
  });

  test('each line is one that Prometheus reads, whatever a subject holds', () => {
    const step = stepOf(HOSTILE, HOSTILE, {
      samples: [{ name: 'x', subject: HOSTILE, value: 1.5, unit: 'bytes' }],
    });
    const lines = toPrometheus(reportOf([taskOf('health', step)]))
      .trimEnd()
      .split('\n');
    for (const line of lines)
      expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\} -?[0-9.e+-]+)$/);
    expect(lines).toContainEqual(expect.stringMatching(/^maint_check_value_bytes\{.*\} 1\.5$/));
  });
});

test('Prometheus hears what kind of check it is, what ends when, and what the journal remembers', () => {
  const concern = { check: 'disk', dimension: 'resources', alertClass: 'page', impact: 'the database stops' } as const;
  const steps = [
    stepOf('disk /', 'full', { verdict: 'fail', concern }),
    stepOf('host a:443', 'fine', {
      samples: [
        { name: 'certificate.left', subject: 'host a:443', value: 3_600, unit: 'seconds' },
        { name: 'certificate.left_share', subject: 'host a:443', value: 0.25, unit: 'ratio' },
      ],
    }),
  ];
  const report = reportOf([taskOf('health', ...steps)], { command: 'health' });
  const text = toPrometheus(report, { lastSuccessAt: new Date('2026-11-20T00:00:00Z'), spooled: 2 });
  const lines = text.split('\n');
  expect(lines).toContain(
    'maint_check_status{project="app",task="health",check="disk /",dimension="resources",severity="page"} 2',
  );
  const end = Date.parse('2026-11-21T03:00:00Z') / 1_000;
  expect(lines).toContain(
    `maint_cert_not_after_timestamp_seconds{project="app",name="host a:443",source="certificate"} ${end}`,
  );
  expect(lines).toContain('maint_cert_remaining_ratio{project="app",name="host a:443",source="certificate"} 0.25');
  const success = Date.parse('2026-11-20T00:00:00Z') / 1_000;
  expect(lines).toContain(`maint_run_last_success_timestamp_seconds{project="app",job="health"} ${success}`);
  expect(lines).toContain('maint_notification_spool_depth{project="app"} 2');
  expect(lines).toContain(`maint_report_timestamp_seconds{project="app"} ${Date.parse(report.finishedAt) / 1_000}`);
  expect(toPrometheus(report)).not.toContain('last_success');
});
