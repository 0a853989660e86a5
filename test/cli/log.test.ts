import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MaintError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { openLog, type Diary } from '../../src/cli/log.ts';

let directory = '';
let stderr = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'maint-diary-'));
  stderr = '';
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Wishes {
  readonly verbose?: boolean;
  readonly to?: string;
  readonly level?: 'debug' | 'info';
}

function open({ verbose = false, to = directory, level = 'debug' }: Wishes = {}): Diary {
  return openLog({
    directory: to,
    verbose,
    level,
    stderr: { isTerminal: false, columns: 80, write: (text) => (stderr += text) },
    fields: { maint: '1.2.3', run: 'r1' },
    now: () => new Date('2026-11-21T02:00:07.000Z'),
  });
}

function lines(): readonly unknown[] {
  const text = readFileSync(join(directory, 'maint.log'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

describe('openLog', () => {
  test('writes every line as JSON, with the time of the world and the fields of its parents', () => {
    using diary = open();
    diary.log.child({ task: 'backup' }).child({ step: 'dump' }).debug({ bytes: 7 }, 'dump written');
    expect(lines()).toEqual([
      {
        level: 'debug',
        time: '2026-11-21T02:00:07.000Z',
        maint: '1.2.3',
        run: 'r1',
        task: 'backup',
        step: 'dump',
        bytes: 7,
        msg: 'dump written',
      },
    ]);
  });

  test('shows warnings and errors on stderr, as lines a person can read', () => {
    using diary = open();
    diary.log.info({ task: 'health' }, 'task ended');
    diary.log.warn({ task: 'backup', said: 'two words' }, 'step crashed');
    diary.log.error({ err: new MaintError('PROGRAM_MISSING', 'pg_dump is nowhere') }, 'no program');
    expect(stderr).toBe(
      '02:00:07 warn  step crashed task=backup said="two words"\n02:00:07 error no program err="pg_dump is nowhere"\n',
    );
    expect(lines()).toHaveLength(3);
  });

  test('keeps lines from the given level on in the file', () => {
    using diary = open({ level: 'info' });
    diary.log.debug({}, 'not kept');
    diary.log.info({}, 'kept');
    expect(lines()).toMatchObject([{ msg: 'kept' }]);
  });

  test('shows everything with -v', () => {
    using diary = open({ verbose: true });
    diary.log.debug({}, 'looking');
    expect(stderr).toBe('02:00:07 debug looking\n');
  });

  test('keeps the stack and the cause of an error in the file', () => {
    using diary = open();
    diary.log.warn({ err: new Error('above', { cause: new MaintError('TIMED_OUT', 'below') }) }, 'x');
    expect(lines()).toMatchObject([
      { err: { type: 'Error', message: 'above', stack: expect.stringContaining('at '), cause: { code: 'TIMED_OUT' } } },
    ]);
  });

  test('lets no secret through, wherever it hides', () => {
    using diary = open({ verbose: true });
    const url = 'postgres://maint:hunter2@db1/app';
    const cyclic: Record<string, unknown> = { url };
    cyclic['self'] = cyclic;
    const fields = {
      secret: new Secret('hunter2'),
      wrapped: { deep: [new Secret('hunter2'), url] },
      password: 'hunter2',
      err: new Error(`cannot reach ${url}`, { cause: new Error(url) }),
      cyclic,
    };
    diary.log.child({ url }).error(fields, `no answer from ${url}`);
    expect(stderr).toContain('[secret]');
    expect(stderr + JSON.stringify(lines())).not.toContain('hunter2');
  });

  test('writes what JSON cannot', () => {
    using diary = open();
    diary.log.info({ big: 10n, none: undefined, nan: NaN, bytes: Buffer.from('abc'), at: new Date(NaN) }, 'odd');
    expect(lines()).toMatchObject([{ big: '10', nan: 'NaN', bytes: '3 bytes', at: 'no date' }]);
  });

  test('goes on without a file, and says so, where the directory is unusable', () => {
    writeFileSync(join(directory, 'file'), '');
    using diary = open({ to: join(directory, 'file') });
    diary.log.warn({}, 'still said');
    expect(stderr).toContain('still said');
    expect(diary.notices()).toEqual([expect.stringMatching(/^the log .* cannot be written/)]);
  });

  test('writes no file where no directory is given', () => {
    using diary = openLog({
      directory: undefined,
      verbose: false,
      level: 'info',
      stderr: { isTerminal: false, columns: 80, write: (text) => (stderr += text) },
      fields: {},
      now: () => new Date(0),
    });
    diary.log.info({}, 'x');
    expect(existsSync(join(directory, 'maint.log'))).toBe(false);
    expect(diary.notices()).toEqual([]);
  });
});
