import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { toJson } from '../../src/cli/json.ts';
import { toJunit } from '../../src/cli/junit.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { REPORTS } from './reports.ts';

const HOSTILE = 'a <b> & "c" \'d\' ]]> \u0000\u0007\u001b[31m \ud800 \uffff\nsecond line';

describe('toJson', () => {
  test.each(Object.entries(REPORTS))('writes %s as one document that is the report itself', (_, report) => {
    const text = toJson(report);
    expect(JSON.parse(text)).toEqual(report);
    expect(text.endsWith('}\n')).toBe(true);
  });

  test('shows no password that slipped into a fact', () => {
    const step = stepOf('dump', 'no', { facts: { said: ['postgres://maint:hunter2@db1/app'] } });
    expect(toJson(reportOf([taskOf('backup', step)]))).not.toContain('hunter2');
  });
});

describe('toJunit', () => {
  test.each(Object.entries(REPORTS))('writes %s as before', async (name, report) => {
    await expect(toJunit(report, 'fail')).toMatchFileSnapshot(`__snapshots__/junit/${name}.xml`);
  });

  test('counts what it says', () => {
    const steps = (['done', 'warn', 'fail', 'crash', 'skip', 'not-run'] as const).map((verdict) =>
      stepOf(verdict, 'x', { verdict }),
    );
    const report = reportOf([taskOf('health', ...steps)]);
    expect(toJunit(report, 'fail')).toContain('tests="6" failures="1" errors="1" skipped="2"');
    expect(toJunit(report, 'warn')).toContain('tests="6" failures="2" errors="1" skipped="2"');
  });

  test('is well-formed whatever a step says', () => {
    const step = stepOf(HOSTILE, HOSTILE, { verdict: 'fail', remediation: [HOSTILE], detail: HOSTILE });
    const xml = toJunit(reportOf([taskOf(HOSTILE, step)], { host: HOSTILE, command: HOSTILE }), 'fail');
    // oxlint-disable-next-line no-control-regex
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\uffff\ud800]/);
    const parsed = spawnSync('python3', ['-c', 'import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)'], {
      input: xml,
      encoding: 'utf8',
    });
    if (parsed.error === undefined) expect(parsed.stderr).toBe('');
    expect(withoutMarkup(xml)).not.toMatch(/[<"]|&(?!(amp|lt|gt|quot|apos|#10);)/);
  });
});

/** What is left when every tag and attribute of a well-formed document is taken away: text. */
function withoutMarkup(xml: string): string {
  return xml.replaceAll(/<\?xml[^>]*\?>|<\/?\w+( \w+="[^"<]*")*\/?>/g, '');
}
