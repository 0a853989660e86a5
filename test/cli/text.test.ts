import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { colored, plain } from '../../src/cli/style.ts';
import { toText, type TextStyle } from '../../src/cli/text.ts';
import type { RunReport } from '../../src/engine/report.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { REPORTS } from './reports.ts';

const STYLE: TextStyle = { columns: 100, paint: plain, cron: false };

function reportNamed(name: string): RunReport {
  return REPORTS[name] ?? reportOf([]);
}

describe('toText', () => {
  test.each(Object.entries(REPORTS))('prints the report %s as before', async (name, report) => {
    await expect(toText(report, STYLE)).toMatchFileSnapshot(`__snapshots__/text/${name}.txt`);
  });

  test('prints a narrow page as before', async () => {
    const text = toText(reportNamed('failure-and-crash'), { ...STYLE, columns: 60 });
    await expect(text).toMatchFileSnapshot('__snapshots__/text/narrow.txt');
  });

  test('uses colours only when told', async () => {
    const text = toText(reportNamed('failure-and-crash'), { ...STYLE, paint: colored });
    await expect(text).toMatchFileSnapshot('__snapshots__/text/colored.txt');
    expect(toText(reportNamed('failure-and-crash'), STYLE)).not.toContain('\u001b');
  });

  test('prints nothing under cron when all is well', () => {
    for (const name of ['all-good', 'zero-config', 'nothing'])
      expect(toText(reportNamed(name), { ...STYLE, cron: true })).toBe('');
  });

  test.each(['warnings', 'failure-and-crash', 'stopped', 'undelivered'])('prints %s under cron in full', (name) => {
    expect(toText(reportNamed(name), { ...STYLE, cron: true })).toBe(toText(reportNamed(name), STYLE));
  });

  test('prints a notice under cron even when every step is done', () => {
    const report = reportOf([taskOf('health', stepOf('a', 'b'))], { notices: ['the journal cannot be written'] });
    expect(toText(report, { ...STYLE, cron: true })).toContain('notice: the journal cannot be written');
  });

  test('puts the worst problem last', () => {
    const text = toText(reportNamed('failure-and-crash'), STYLE);
    const order = ['! health: disk', '? health: endpoint', '✗ backup: dump'].map((line) => text.indexOf(line));
    expect(order).toEqual(order.toSorted((one, other) => one - other));
    expect(order).not.toContain(-1);
  });

  test('keeps a command to copy in one piece on the narrowest page', () => {
    const text = toText(reportNamed('warnings'), { ...STYLE, columns: 40 });
    expect(text).toContain('→ Find what grows: du -xh /var/lib/postgresql | sort -h | tail\n');
  });

  test('shows no password that slipped into a summary', () => {
    const step = stepOf('dump', 'cannot reach postgres://maint:hunter2@db1/app', { verdict: 'fail' });
    expect(toText(reportOf([taskOf('backup', step)]), STYLE)).not.toContain('hunter2');
  });

  test('never loses a word, whatever the width', () => {
    const word = fc.stringMatching(/^[a-zä漢]{1,30}$/);
    const sentence = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
    const verdict = fc.constantFrom<Verdict>('done', 'warn', 'fail', 'skip', 'crash', 'not-run');
    const step = fc.record({ title: sentence, summary: sentence, verdict });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 10, max: 200 }),
        (steps, columns) => {
          const written = steps.map(({ title, summary, verdict }) => stepOf(title, summary, { verdict }));
          const text = toText(reportOf([taskOf('health', ...written)]), { ...STYLE, columns });
          const shown = text.split(/\s+/);
          for (const { title, summary } of steps)
            for (const each of `${title} ${summary}`.split(' '))
              expect(shown.some((part) => part.includes(each))).toBe(true);
        },
      ),
    );
  });

  test('names the command that tries the broken tasks again', () => {
    const broken = taskOf('backup', stepOf('dump', 'no', { verdict: 'fail' }));
    const fine = taskOf('health', stepOf('a', 'b'));
    const last = (command: string): string => toText(reportOf([fine, broken], { command }), STYLE);
    expect(last('daily')).toContain('`maint daily --only backup`');
    expect(last('run health backup')).toContain('`maint run backup`');
    expect(last('backup')).toContain('`maint backup`');
  });
});
