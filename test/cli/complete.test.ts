import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionScript } from '../../src/cli/complete.ts';
import { SHELLS } from '../../src/cli/invocation.ts';
import { WORDS } from '../support/words.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'maint-complete-'));
  writeFileSync(join(directory, 'maint.yaml'), '');
  for (const shell of SHELLS) writeFileSync(join(directory, `_maint.${shell}`), completionScript(shell, WORDS));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What bash offers after these words; the last one is what is being typed. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `
    source ./_maint.bash
    COMP_WORDS=(maint ${words.map((word) => `'${word}'`).join(' ')})
    COMP_CWORD=${words.length}
    _maint
    printf '%s\\n' "\${COMPREPLY[@]}"
  `;
  const bash = spawnSync('bash', ['--norc', '-uc', script], { cwd: directory, encoding: 'utf8' });
  expect(bash.stderr).toBe('');
  return bash.stdout.split('\n').filter((word) => word !== '');
}

const TASKS = ['health', 'backup', 'verify-backup'];

describe('completion in bash', () => {
  test('offers every command', () => {
    const commands = offered('');
    for (const word of ['daily', 'quarterly', 'run', ...TASKS, 'status', 'config', 'alerts', 'completion', 'help'])
      expect(commands).toContain(word);
  });

  test('finishes a word', () => {
    expect(offered('quar')).toEqual(['quarterly']);
    expect(offered('config', 'pr')).toEqual(['print']);
    expect(offered('verify-backup', '--max')).toEqual(['--max-age']);
  });

  test('offers the commands below a command', () => {
    expect(offered('config', '')).toEqual(['check', 'print', 'schema']);
    expect(offered('alerts', '')).toEqual(expect.arrayContaining(['list', 'ack', 'close', 'test']));
    expect(offered('cron', '')).toEqual(['print', 'install', 'uninstall', 'lint', 'simulate']);
    expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('offers tasks where tasks are due', () => {
    expect(offered('run', '')).toEqual(TASKS);
    expect(offered('run', 'health', 'b')).toEqual(['backup']);
    expect(offered('daily', '--only', '')).toEqual(TASKS);
    expect(offered('daily', '--skip', 'health', 'v')).toEqual(['verify-backup']);
  });

  test('offers the flags of a command, its own and those of every command', () => {
    const flags = offered('backup', '-');
    for (const flag of ['--level', '--directory', '--dry-run', '--json', '--config', '-v', '--no-color'])
      expect(flags).toContain(flag);
    expect(flags).not.toContain('--max-age');
    expect(offered('daily', '--only', 'health', '--js')).toEqual(['--json']);
  });

  test('knows the commands after flags', () => {
    expect(offered('-v', 'config', 'sch')).toEqual(['schema']);
  });

  test('offers files, directories and choices after the flags that take them', () => {
    expect(offered('daily', '--config', 'maint.y')).toEqual(['maint.yaml']);
    expect(offered('--state', '/tm')).toEqual(['/tmp']);
    expect(offered('daily', '--fail-on', '')).toEqual(['fail', 'warn']);
    expect(offered('history', '--limit', '')).toEqual([]);
    expect(offered('cron', 'print', '--format', 'sys')).toEqual(['systemd']);
    expect(offered('cron', 'lint', 'maint.y')).toEqual(['maint.yaml']);
  });
});

describe('completion scripts', () => {
  test.each([
    ['bash', ['-n', '_maint.bash']],
    ['zsh', ['-n', '_maint.zsh']],
    ['fish', ['--no-execute', '_maint.fish']],
  ])('%s reads its script without complaint', (shell, args) => {
    const checked = spawnSync(shell, args, { cwd: directory, encoding: 'utf8' });
    if (checked.error !== undefined) return;
    expect(checked.stderr).toBe('');
    expect(checked.status).toBe(0);
  });

  test.each(SHELLS)('the one for %s knows every command, task and flag', (shell) => {
    const script = completionScript(shell, WORDS);
    for (const word of ['daily', 'verify-backup', 'doctor', 'schema']) expect(script).toContain(word);
    for (const flag of ['max-age', 'dry-run', 'fail-on', 'channel']) expect(script).toContain(flag);
  });

  test('quotes what a summary says', () => {
    const [first] = WORDS;
    const words = first === undefined ? [] : [{ ...first, summary: `it's "$(touch hacked)" \\ here` }];
    expect(completionScript('zsh', words)).toContain(`'health:it'\\''s "$(touch hacked)" \\ here'`);
    expect(completionScript('fish', words)).toContain(`'it\\'s "$(touch hacked)" \\\\ here'`);
    expect(completionScript('bash', words)).not.toContain('hacked');
  });
});
