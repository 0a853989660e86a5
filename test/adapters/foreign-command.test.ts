import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runForeign } from '../../src/adapters/foreign-command.ts';

/** Processes of a group that still run; one that only waits to be buried does not. */
function groupOf(id: number): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [state, , group] = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return Number(group) === id && state !== 'Z';
      } catch {
        // It ended between the two looks.
        return false;
      }
    });
}

test('a command that hears no polite signal is killed after its timeout, with all that it has started', async () => {
  let group = 0;
  const ended = await runForeign({
    argv: ['/bin/sh', '-c', `trap '' TERM; sleep 60 & sleep 60`],
    timeoutMs: 200,
    killAfterMs: 200,
    onStopSignal: () => () => undefined,
    onStart: (pid) => {
      group = pid;
    },
  });
  expect(ended).toEqual({ exitCode: 137, signal: 'SIGKILL', hasTimedOut: true, refused: undefined });
  expect(group).toBeGreaterThan(0);
  // SIGKILL is sent, and not awaited: dying takes the kernel a moment.
  await expect.poll(() => groupOf(group)).toEqual([]);
});
