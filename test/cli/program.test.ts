import { describe, expect, test } from 'vitest';
import type { Invocation } from '../../src/cli/invocation.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { SURFACE } from '../support/words.ts';

const COMMON = { config: undefined, state: undefined, verbose: false, color: true };
const RUN = {
  kind: 'run' as const,
  dryRun: false,
  only: [],
  skip: [],
  format: 'text' as const,
  cron: false,
  failOn: 'fail' as const,
  junit: undefined,
  textfile: undefined,
  overrides: [],
  common: COMMON,
};

function parsed(line: string): Invocation {
  return parseCommandLine(line.split(' '), SURFACE);
}

describe('parseCommandLine', () => {
  test.each(['daily', 'weekly', 'monthly', 'quarterly'] as const)('reads the tier %s', (tier) => {
    expect(parsed(tier)).toEqual({ ...RUN, command: tier, select: { tier } });
  });

  test('reads every flag of a round', () => {
    const line = 'daily --dry-run --only health backup --skip verify-backup --json --junit out.xml --fail-on warn';
    expect(parsed(line)).toEqual({
      ...RUN,
      command: 'daily',
      select: { tier: 'daily' },
      dryRun: true,
      only: ['health', 'backup'],
      skip: ['verify-backup'],
      format: 'json',
      junit: 'out.xml',
      failOn: 'warn',
    });
  });

  test('takes the flags of every command before and after its name', () => {
    const common = { config: 'a.yaml', state: '/s', verbose: true, color: false };
    const expected = { kind: 'status', format: 'text', common };
    expect(parsed('--config a.yaml --state=/s -v --no-color status')).toEqual(expected);
    expect(parsed('status --config=a.yaml --state /s --verbose --no-color')).toEqual(expected);
  });

  test('reads task names after spaces, commas and repeated flags, each once', () => {
    const select = { tier: 'daily' };
    const expected = { ...RUN, command: 'daily', select, only: ['health', 'backup'], cron: true };
    expect(parsed('daily --cron --only health --only backup,health')).toEqual(expected);
  });

  test('names what was asked for in the command of a run', () => {
    const select = { tasks: ['health', 'backup'] };
    expect(parsed('run health backup,health')).toEqual({ ...RUN, command: 'run health backup', select });
  });

  test('turns the flags of a task into overrides of its settings', () => {
    expect(parsed('verify-backup --all --max-age 26h')).toMatchObject({
      command: 'verify-backup',
      select: { tasks: ['verify-backup'] },
      overrides: [
        { task: 'verify-backup', setting: 'which', value: 'all', flag: '--all' },
        { task: 'verify-backup', setting: 'maxAge', value: '26h', flag: '--max-age' },
      ],
    });
  });

  test('hands a number over as a number', () => {
    expect(parsed('backup --level 7')).toMatchObject({
      overrides: [{ task: 'backup', setting: 'level', value: 7, flag: '--level' }],
    });
  });

  const ALERT_TEST = {
    kind: 'alert-test',
    channel: undefined,
    alertClass: undefined,
    print: false,
    confirm: undefined,
    format: 'text',
  } as const;

  test.each<[string, object]>([
    ['status --json', { kind: 'status', format: 'json', common: COMMON }],
    ['history', { kind: 'history', limit: 20, format: 'text', common: COMMON }],
    ['history --limit 5 --json', { kind: 'history', limit: 5, format: 'json', common: COMMON }],
    ['doctor --json', { kind: 'doctor', format: 'json', common: COMMON }],
    ['config check --json', { kind: 'config-check', format: 'json', common: COMMON }],
    ['config print', { kind: 'config-print', common: COMMON }],
    ['config schema', { kind: 'config-schema', of: 'config', common: COMMON }],
    ['config schema --report', { kind: 'config-schema', of: 'report', common: COMMON }],
    ['init', { kind: 'init', output: undefined, force: false, common: COMMON }],
    ['init --output a.yaml --force', { kind: 'init', output: 'a.yaml', force: true, common: COMMON }],
    ['runbook blocked-sessions', { kind: 'runbook', check: 'blocked-sessions' }],
    ['completion zsh', { kind: 'completion', shell: 'zsh' }],
    ['alerts test', { ...ALERT_TEST, format: 'text', common: COMMON }],
    ['alert test --all --json', { ...ALERT_TEST, format: 'json', common: COMMON }],
    ['alerts test --channel slack --print', { ...ALERT_TEST, channel: 'slack', print: true, common: COMMON }],
    ['alerts test --class page', { ...ALERT_TEST, alertClass: 'page', common: COMMON }],
    ['alerts test --confirm 123456', { ...ALERT_TEST, confirm: '123456', common: COMMON }],
    ['alerts list --all', { kind: 'alerts-list', all: true, format: 'text', common: COMMON }],
    [
      'alerts ack 9f1c --for 4h --by ana',
      { kind: 'alerts-ack', id: '9f1c', forMs: 14_400_000, by: 'ana', note: undefined, format: 'text', common: COMMON },
    ],
    [
      'silence add --match check=disk --match class=page --for 2h --reason swap --until-resolved',
      {
        kind: 'silence-add',
        match: ['check=disk', 'class=page'],
        forMs: 7_200_000,
        by: undefined,
        reason: 'swap',
        untilResolved: true,
        format: 'text',
        common: COMMON,
      },
    ],
    ['cron print', { kind: 'cron-print', scheduler: 'crontab', common: COMMON }],
    ['cron print --format systemd', { kind: 'cron-print', scheduler: 'systemd', common: COMMON }],
    ['cron install --dry-run --force', { kind: 'cron-install', dryRun: true, force: true, common: COMMON }],
    ['cron uninstall', { kind: 'cron-uninstall', dryRun: false, force: false, common: COMMON }],
    ['cron lint', { kind: 'cron-lint', file: undefined, timezone: undefined, format: 'text', common: COMMON }],
    ['cron lint - --json', { kind: 'cron-lint', file: '-', timezone: undefined, format: 'json', common: COMMON }],
    [
      'cron simulate @daily --timezone UTC --from 2026-01-01 --to 2026-02-01',
      {
        kind: 'cron-simulate',
        expression: '@daily',
        timezone: 'UTC',
        from: '2026-01-01',
        to: '2026-02-01',
        count: undefined,
        format: 'text',
        common: COMMON,
      },
    ],
    ['--version', { kind: 'answer', text: '1.2.3\n' }],
  ])('reads `maint %s`', (line, expected) => {
    expect(parsed(line)).toEqual(expected);
  });

  test('answers `help <command>` as the command answers --help', () => {
    for (const command of ['daily', 'config check', 'backup'])
      expect(parsed(`help ${command}`)).toEqual(parsed(`${command} --help`));
  });
});
