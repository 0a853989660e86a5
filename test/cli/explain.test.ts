import { describe, expect, test } from 'vitest';
import { ERRORS, MaintError, type ErrorCode } from '../../src/base/errors.ts';
import { explain } from '../../src/cli/explain.ts';

const TEXT = { format: 'text', version: '1.2.3' } as const;
const JSON_FORMAT = { format: 'json', version: '1.2.3' } as const;

describe('explain', () => {
  test('says what is wrong, what to do, the code and the exit code of an obstacle, and no stack', () => {
    const error = new MaintError('CONFIG_NOT_FOUND', 'there is no file ./maint.yaml', { hint: 'Write it with init.' });
    expect(explain(error, TEXT)).toEqual({
      exitCode: 2,
      text: 'maint: there is no file ./maint.yaml\nWrite it with init.\n(CONFIG_NOT_FOUND, exit code 2)\n',
    });
  });

  test.each(Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS))(
    'ends %s with its exit code',
    (code) => {
      expect(explain(new MaintError(code, 'x'), TEXT).exitCode).toBe(ERRORS[code].exitCode);
    },
  );

  test('keeps the lines of a message that has several', () => {
    const error = new MaintError('CONFIG_INVALID', 'two mistakes in a.yaml\n  line 3: one\n  line 9: two');
    expect(explain(error, TEXT).text).toContain('maint: two mistakes in a.yaml\n  line 3: one\n  line 9: two\n');
  });

  test('shows the stack of a bug, its cause and the version', () => {
    const { text, exitCode } = explain(new TypeError('x is not a function', { cause: new Error('below') }), TEXT);
    expect(exitCode).toBe(4);
    expect(text).toMatch(/^maint: TypeError: x is not a function\n +at .*explain\.test\.ts/);
    expect(text).toContain('caused by Error: below');
    expect(text).toContain('This is a bug in maint 1.2.3');
  });

  test.each([undefined, null, 'text', 7, { a: 1 }])('says something about a thrown %s', (thrown) => {
    expect(explain(thrown, TEXT)).toMatchObject({ exitCode: 4, text: expect.stringContaining('bug in maint') });
  });

  test('writes one JSON document with --json', () => {
    const error = new MaintError('LOCKED', 'another run is at work', { detail: 'lock.host' });
    const { text } = explain(error, JSON_FORMAT);
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(text)).toEqual({
      format: 1,
      error: {
        code: 'LOCKED',
        detail: 'lock.host',
        message: 'another run is at work',
        hint: ERRORS.LOCKED.hint,
        exitCode: 3,
      },
    });
    expect(JSON.parse(explain(new TypeError('x'), JSON_FORMAT).text)).toMatchObject({
      error: { code: 'BUG', stack: expect.stringContaining('at ') },
    });
  });

  test('leaves out passwords and terminal codes', () => {
    const error = new MaintError('DATABASE_UNREACHABLE', 'no answer from postgres://u:hunter2@h/d\u001b[2J\u0007');
    for (const format of [TEXT, JSON_FORMAT]) {
      expect(explain(error, format).text).not.toContain('hunter2');
      // oxlint-disable-next-line no-control-regex
      expect(explain(error, format).text).not.toMatch(/[\u0007\u001b]|\\u0007/);
    }
  });
});
