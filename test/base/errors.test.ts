import { expect, test } from 'vitest';
import { ERRORS, MaintError } from '../../src/base/errors.ts';

test('every code has a meaning without a full stop and a hint that is a sentence', () => {
  for (const [code, { meaning, hint }] of Object.entries(ERRORS)) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(meaning, code).toMatch(/^[^A-Z\s].*[^.]$|^an? /);
    expect(hint, code).toMatch(/^[A-Z`].*\.$/);
  }
});

test('an error keeps its cause, takes its exit code and hint from the table, and its own hint before that', () => {
  const cause = new Error('ECONNREFUSED');
  const error = new MaintError('DATABASE_UNREACHABLE', 'app on db1:5432: connection refused', { cause });
  expect(error).toMatchObject({ exitCode: 4, hint: ERRORS.DATABASE_UNREACHABLE.hint, cause, detail: undefined });
  expect(new MaintError('LOCKED', 'busy', { hint: 'Wait.' })).toMatchObject({ exitCode: 3, hint: 'Wait.' });
});
