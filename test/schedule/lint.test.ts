import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LINT_RULES, type Finding } from '../../src/schedule/findings.ts';
import { lintCrontab, type LintRequest } from '../../src/schedule/lint.ts';
import type { CronMachine } from '../../src/schedule/machine.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const EXAMPLE = join(import.meta.dirname, '../../crontab.example');

const PROGRAMS = new Set([
  ...['curl', 'date', 'flock', 'logger', 'mysqldump', 'node', 'pg_dump', 'rsync', 'tar'].map(
    (name) => `/usr/bin/${name}`,
  ),
  '/bin/true',
  '/usr/local/bin/maint',
  '/opt/my reports/bin/report',
]);

/** A Debian machine in Berlin that cannot send mail. */
const MACHINE: CronMachine = {
  timezone: 'Europe/Berlin',
  hasMailer: false,
  honoursCronTimezone: false,
  isUser: (name) => ['root', 'postgres'].includes(name),
  isProgram: (path) => PROGRAMS.has(path),
};

function lint(text: string, extras: Partial<LintRequest> = {}): readonly Finding[] {
  return lintCrontab({ text, kind: 'user', machine: MACHINE, now: new Date('2026-01-10T12:00Z'), ...extras });
}

function lintFile(path: string): readonly Finding[] {
  const isDropIn = basename(dirname(path)) === 'cron.d';
  const text = readFileSync(path, 'utf8');
  return lint(text, isDropIn ? { kind: 'system', dropIn: { name: basename(path) } } : {});
}

function fixtures(folder: string): readonly string[] {
  const names = readdirSync(join(FIXTURES, folder), { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const codesOf = (text: string, extras?: Partial<LintRequest>): readonly string[] =>
  lint(text, extras).map(({ code }) => code);

describe('lint', () => {
  test.each(fixtures('bad').map((path) => [basename(path), path] as const))(
    'finds in %s what its name says, and nothing else',
    (name, path) => {
      expect(lintFile(path).map(({ code }) => code)).toEqual([/^[EW]\d{3}/.exec(name)?.[0]]);
    },
  );

  test('has a bad crontab for each rule', () => {
    const shown = new Set(fixtures('bad').map((path) => basename(path).slice(0, 4)));
    expect(shown).toEqual(new Set(Object.keys(LINT_RULES)));
  });

  test.each([...fixtures('good'), EXAMPLE].map((path) => [basename(path), path] as const))(
    'finds nothing in %s',
    (_, path) => {
      expect(lintFile(path)).toEqual([]);
    },
  );

  test('names the line', () => {
    const text = '# one\n\nMAILTO=ops\n  # four\n15 3 * * * /bin/true >/log\n61 3 * * * /bin/true >/log\n';
    expect(lint(text)).toMatchObject([{ code: 'E105', line: 6, message: expect.stringContaining('"61"') }]);
  });

  test('says one thing of a line without a command', () => {
    expect(codesOf('* * * * *\n')).toEqual(['E105']);
  });

  test('never repeats a secret', () => {
    const text =
      '1 3 * * * /opt/x postgres://app:hunter2@db1/app >/log\n2 3 * * * postgres://app:hunter2@db1/app >/log\n';
    expect(JSON.stringify(lint(text))).not.toContain('hunter2');
  });

  test('takes the PATH of the crontab where there is one', () => {
    const job = '15 3 * * * maint daily --cron\n';
    expect(codesOf(job)).toEqual(['E102']);
    expect(codesOf(`PATH=/opt/bin:/usr/local/bin\n${job}`)).toEqual([]);
    expect(codesOf(`${job}PATH=/usr/local/bin\n`)).toEqual(['E102']);
  });

  test('knows the hour that the clocks leave out in the zone of the machine', () => {
    const job = '30 2 * * * /bin/true >>/log\n';
    expect(codesOf(job)).toEqual(['W202']);
    expect(codesOf(job, { machine: { ...MACHINE, timezone: 'UTC' } })).toEqual([]);
    expect(codesOf(job, { machine: { ...MACHINE, timezone: 'Europe/London' } })).toEqual([]);
    expect(codesOf('30 2 * 6 * /bin/true >>/log\n'), 'in June nothing jumps').toEqual([]);
    expect(codesOf('30 * * * * /bin/true >>/log\n'), 'every hour is due before and after').toEqual([]);
  });

  test('asks less where the machine does more', () => {
    expect(codesOf('15 3 * * * /bin/true\n', { machine: { ...MACHINE, hasMailer: true } })).toEqual([]);
    const zoned = 'CRON_TZ=UTC\n15 3 * * * /bin/true >/log\n';
    expect(codesOf(zoned, { machine: { ...MACHINE, honoursCronTimezone: true } })).toEqual([]);
  });

  test.each([
    [{ uid: 0, mode: 0o644 }, []],
    [{ uid: 1000, mode: 0o644 }, ['E107']],
    [{ uid: 0, mode: 0o664 }, ['E107']],
  ] as const)('of a file with %o in cron.d says %o', (access, codes) => {
    const text = '15 3 * * * root /bin/true >/log\n';
    expect(codesOf(text, { kind: 'system', dropIn: { name: 'app', access } })).toEqual(codes);
  });

  test('tells jobs that can meet from those that cannot', () => {
    const codes = (first: string, second: string): readonly string[] =>
      codesOf(`${first} tar c /a >/log\n${second} tar c /b >/log\n`).filter((code) => code === 'W209');
    expect(codes('0 3 * * *', '0 3 * * *')).toEqual(['W209']);
    expect(codes('0 3 1 * *', '0 3 * * 0')).toEqual(['W209']);
    expect(codes('0 3 * * *', '0 4 * * *')).toEqual([]);
    expect(codes('0 3 1 * *', '0 3 2 * *')).toEqual([]);
    expect(codes('0 3 * * 1', '0 3 * * 2')).toEqual([]);
    expect(codes('0 3 * 1 *', '0 3 * 2 *')).toEqual([]);
  });

  test('answers for any text', () => {
    const piece = fc.constantFrom(
      '*',
      '5',
      '@daily',
      ' ',
      '\n',
      '%',
      '"',
      "'",
      '\\',
      '|',
      '>',
      '=',
      '/x',
      'curl',
      '-p',
      '$(',
      '`',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (crontab) => {
        const count = crontab.split('\n').length;
        for (const { line } of lint(crontab)) expect(line >= 1 && line <= count).toBe(true);
      }),
    );
  });
});

test('the page on the schedule names every rule as lint does', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/schedule.md'), 'utf8').replaceAll(/ +/g, ' ');
  for (const [code, { why, fix }] of Object.entries(LINT_RULES))
    expect(page).toContain(`| ${code} | ${why} | ${fix} |`);
});
