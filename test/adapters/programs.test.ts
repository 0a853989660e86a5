import { describe, expect, test } from 'vitest';
import { lastLines, runProgram } from '../../src/adapters/programs.ts';
import { Secret } from '../../src/base/secret.ts';

const sh = (script: string, more: object = {}) =>
  runProgram({ file: '/bin/sh', args: ['-c', script], timeoutMs: 10_000, ...more });

describe('a foreign program', () => {
  test('gets secrets by its environment and gives back what it printed', async () => {
    const { stdout } = await sh('printf %s "$TOKEN"; cat', { env: { TOKEN: new Secret('hush') }, input: ' there' });
    expect(stdout).toBe('hush there');
  });

  test('that fails is an error with its exit code and last words', async () => {
    await expect(sh('echo one >&2; echo two >&2; exit 7')).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: 'sh ended with exit code 7: one; two',
    });
  });

  test('that is killed is an error with its signal', async () => {
    await expect(sh('kill -9 $$')).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: expect.stringContaining('SIGKILL'),
    });
  });

  test('that does not end is stopped at its limit', async () => {
    await expect(sh('sleep 60', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });

  test('is stopped by the signal', async () => {
    await expect(sh('sleep 60', { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('that is not there is said to be missing', async () => {
    const missing = runProgram({ file: '/nonexistent/zstd', args: [], timeoutMs: 1_000 });
    await expect(missing).rejects.toMatchObject({
      code: 'PROGRAM_MISSING',
      message: expect.stringContaining('/nonexistent/zstd'),
    });
  });

  test('cannot write control characters into a message', () => {
    expect(lastLines('a\u001b[31mred\u0007\nb\n')).toBe('ared; b');
  });
});
