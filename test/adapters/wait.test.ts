import { expect, test } from 'vitest';
import { wait } from '../../src/adapters/wait.ts';

test('ends early at the signal, and without an error', async () => {
  const stop = new AbortController();
  const waited = wait(3_600_000, stop.signal);
  stop.abort();
  await expect(waited).resolves.toBeUndefined();
  await expect(wait(3_600_000, AbortSignal.abort())).resolves.toBeUndefined();
});

test('ends by itself', async () => {
  await expect(wait(1, new AbortController().signal)).resolves.toBeUndefined();
});
