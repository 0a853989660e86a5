import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MaintError } from '../../src/base/errors.ts';
import { explain } from '../../src/cli/explain.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { SURFACE } from '../support/words.ts';

interface Refusal {
  readonly error: unknown;
  readonly exitCode: number;
  readonly text: string;
}

function refusalOf(argv: readonly string[]): Refusal | undefined {
  try {
    parseCommandLine(argv, SURFACE);
    return undefined;
  } catch (error) {
    return { error, ...explain(error, { format: 'text', version: '1.2.3' }) };
  }
}

/** A malformed line, what its error must name, and the suggestion where one is due. */
const LINES: readonly (readonly [line: string, named: string, hint?: string])[] = [
  ['', 'no command', 'maint --help'],
  ['--', 'no command'],
  ['-v', 'no command'],
  ['--no-color', 'no command'],
  ['bakup', '"bakup"', 'Did you mean "backup"?'],
  ['dayly', '"dayly"', 'Did you mean "daily"?'],
  ['weakly', '"weakly"', 'Did you mean "weekly"?'],
  ['montly', '"montly"', 'Did you mean "monthly"?'],
  ['quaterly', '"quaterly"', 'Did you mean "quarterly"?'],
  ['Daily', '"Daily"', 'Did you mean "daily"?'],
  ['helth', '"helth"', 'Did you mean "health"?'],
  ['verify-bakcup', '"verify-bakcup"', 'Did you mean "verify-backup"?'],
  ['verify_backup', '"verify_backup"', 'Did you mean "verify-backup"?'],
  ['statsu', '"statsu"', 'Did you mean "status"?'],
  ['histroy', '"histroy"', 'Did you mean "history"?'],
  ['doktor', '"doktor"', 'Did you mean "doctor"?'],
  ['confg check', '"confg"', 'Did you mean "config"?'],
  ['xyzzyxyzzy', '"xyzzyxyzzy"', 'Known are:'],
  ['bakup --help', '"bakup"', 'Did you mean "backup"?'],
  ['bakup --json', '"bakup"'],
  ['config', 'maint config', 'check, print, schema'],
  ['alerts', 'maint alerts', 'test'],
  ['config chek', '"chek"', 'Did you mean "check"?'],
  ['config bogus --help', '"bogus"'],
  ['config prnt', '"prnt"', 'Did you mean "print"?'],
  ['config check now', '"now"', 'maint config check --help'],
  ['config check print', '"print"'],
  ['config schema --json', '"--json"', 'maint config schema'],
  ['alert tset', '"tset"', 'Did you mean "test"?'],
  ['alerts test slack', '"slack"'],
  ['alerts test --channel', '--channel', '--channel <name>'],
  ['alerts test --chanel slack', '"--chanel"', 'Did you mean "--channel"?'],
  ['cron', 'maint cron', 'print, install, uninstall, lint, simulate'],
  ['cron instal', '"instal"', 'Did you mean "install"?'],
  ['cron print --format cronttab', '"cronttab"', 'Did you mean "crontab"?'],
  ['cron print --format', '--format', '--format <scheduler>'],
  ['cron install --dryrun', '"--dryrun"', 'Did you mean "--dry-run"?'],
  ['cron lint a b', '"b"', 'maint cron lint --help'],
  ['cron simulate', 'maint cron simulate', 'maint cron simulate --help'],
  ['cron simulate 17 3 * * *', '"3"', 'maint cron simulate --help'],
  ['cron simulate @daily --count none', '"none"', 'whole number'],
  ['cron simulate @daily --count 3 --to 2026-01-01', '--to', '--count'],
  ['help bakup', '"bakup"', 'Did you mean "backup"?'],
  ['help config chek', '"chek"', 'Did you mean "check"?'],
  ['daily --dryrun', '"--dryrun"', 'Did you mean "--dry-run"?'],
  ['daily --dry_run', '"--dry_run"', 'Did you mean "--dry-run"?'],
  ['daily --jsn', '"--jsn"', 'Did you mean "--json"?'],
  ['daily --json=true', '--json', 'takes no value'],
  ['daily --cron=yes', '--cron', 'takes no value'],
  ['daily --verbose=1', '--verbose', 'takes no value'],
  ['daily -x', '"-x"'],
  ['daily -vx', '"-x"'],
  ['daily ---json', '"---json"'],
  ['daily now', '"now"', 'maint daily --help'],
  ['daily weekly', '"weekly"'],
  ['daily -- --json', '"--json"'],
  ['daily --only', '--only', '--only <task...>'],
  ['daily --only --json', '--only'],
  ['daily --only=', '""'],
  ['daily --only bakup', '"bakup"', 'Did you mean "backup"?'],
  ['daily --only health,bakup', '"bakup"', 'Did you mean "backup"?'],
  ['daily --only health,', '""'],
  ['daily --skip helth', '"helth"', 'Did you mean "health"?'],
  ['daily --only health --skip health', '"health"', '--only and --skip'],
  ['daily --only health,backup --skip backup', '"backup"', '--only and --skip'],
  ['daily --cron --dry-run', '--cron', '--dry-run'],
  ['backup --dry-run --cron', '--cron', '--dry-run'],
  ['daily --fail-on', '--fail-on'],
  ['daily --fail-on warning', '"warning"'],
  ['daily --fail-on wran', '"wran"', 'Did you mean "warn"?'],
  ['daily --fail-on=', '--fail-on'],
  ['daily --junit', '--junit', '--junit <file>'],
  ['daily --junit --json', '--junit'],
  ['daily --junit a --junit b', '--junit', 'twice'],
  ['daily --junit=', '--junit', 'empty'],
  ['daily --config', '--config', '--config <file>'],
  ['daily --config --json', '--config', '"--json"'],
  ['daily --config a --config b', '--config', 'twice'],
  ['--config= daily', '--config', 'empty'],
  ['--state', '--state', '--state <dir>'],
  ['--state --verbose daily', '--state', '"--verbose"'],
  ['--sate /x daily', '"--sate"', 'Did you mean "--state"?'],
  ['daily --slots 2026-01-01', '"--slots"'],
  ['run', 'maint run', 'maint run --help'],
  ['run --json', 'maint run'],
  ['run daily', '"daily"', 'Known are: health, backup, verify-backup'],
  ['run health bakup', '"bakup"', 'Did you mean "backup"?'],
  ['run health --only health', '"--only"'],
  ['health backup', '"backup"'],
  ['health --only backup', '"--only"'],
  ['health --level 3', '"--level"'],
  ['backup --level', '--level', '--level <n>'],
  ['backup --level fast', '"fast"', 'whole number from 1 to 19'],
  ['backup --level 0', '"0"', 'whole number from 1 to 19'],
  ['backup --level 20', '"20"', 'whole number from 1 to 19'],
  ['backup --level 3.5', '"3.5"', 'whole number'],
  ['backup --level 1e1', '"1e1"', 'whole number'],
  ['backup --level 0x10', '"0x10"', 'whole number'],
  ['backup --level NaN', '"NaN"'],
  ['backup --directory a --directory b', '--directory', 'twice'],
  ['verify-backup --all --latest', '--latest', '--all'],
  ['verify-backup --max-age', '--max-age', '--max-age <age>'],
  ['verify-backup --maxage 3d', '"--maxage"', 'Did you mean "--max-age"?'],
  ['history --limit', '--limit'],
  ['history --limit 0', '"0"', 'from 1 to 10000'],
  ['history --limit -5', '"-5"', 'from 1 to 10000'],
  ['history --limit 10001', '"10001"', 'from 1 to 10000'],
  ['history --limit all', '"all"'],
  ['history --limit 9999999999999999999999', '"9999999999999999999999"'],
  ['status --dry-run', '"--dry-run"'],
  ['status all', '"all"'],
  ['doctor --fix', '"--fix"'],
  ['init --output', '--output', '--output <file>'],
  ['init --output --force', '--output', '"--force"'],
  ['init a.yaml', '"a.yaml"'],
  ['completion', 'maint completion', 'shell'],
  ['completion powershell', '"powershell"', 'bash, zsh, fish'],
  ['completion zhs', '"zhs"', 'Did you mean "zsh"?'],
  ['completion bash zsh', '"zsh"'],
];

describe('a malformed command line', () => {
  test('is known in at least 80 forms', () => {
    expect(LINES.length).toBeGreaterThanOrEqual(80);
  });

  test.each(LINES.map(([line, named, hint = '']) => ({ line, named, hint })))(
    '`maint $line` names $named',
    ({ line, named, hint }) => {
      const refusal = refusalOf(line === '' ? [] : line.split(' '));
      expect(refusal?.error).toBeInstanceOf(MaintError);
      expect(refusal).toMatchObject({ exitCode: 2, text: expect.stringContaining(named) });
      expect(refusal?.text).toContain(hint);
      expect(refusal?.text.trimEnd().split('\n')).toHaveLength(3);
      expect(refusal?.text).not.toMatch(/^\s+at /m);
    },
  );

  test.each([
    'daily --password=hunter2',
    'daily --password hunter2',
    'daily --pgpassword=hunter2',
    'daily --db-password hunter2',
    'daily --token=hunter2',
    'alert test --slack-token=hunter2',
    'alert test --webhook=hunter2',
    'init --database-url=postgres://maint:hunter2@db1/app',
    'daily --database-url postgres://maint:hunter2@db1/app',
    'daily --dsn=hunter2',
    'backup --secret-access-key=hunter2',
    'daily postgres://maint:hunter2@db1/app',
    'daily --config postgres://maint:hunter2@db1/app',
    'backup --directory=postgres://maint:hunter2@db1/app',
  ])('`maint %s` is told where secrets go, and the secret is not repeated', (line) => {
    const refusal = refusalOf(line.split(' '));
    expect(refusal?.exitCode).toBe(2);
    expect(refusal?.text).toContain('every user of this machine can read a command line');
    expect(refusal?.text).toContain('DATABASE_URL');
    expect(refusal?.text).not.toContain('hunter2');
  });

  test('never breaks out of its three lines, whatever is typed', () => {
    const words = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('daily', 'run', 'health', 'config', 'check', 'help', 'history', 'alert', 'test', 'completion'),
      fc.constantFrom('--only', '--skip', '--json', '--limit', '--config', '--', '-', '-v', '--junit=', '--fail-on'),
      fc.string({ maxLength: 12 }).map((text) => `--${text}`),
      fc.constantFrom('__proto__', 'constructor', 'toString', '--__proto__', '--constructor=1', '\u001b[31m', 'a\nb'),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), (argv) => {
        const refusal = refusalOf(argv);
        if (refusal === undefined) return;
        expect(refusal.error).toBeInstanceOf(MaintError);
        expect(refusal.exitCode).toBe(2);
        expect(refusal.text.trimEnd().split('\n')).toHaveLength(3);
        // oxlint-disable-next-line no-control-regex
        expect(refusal.text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 500 },
    );
  });
});
