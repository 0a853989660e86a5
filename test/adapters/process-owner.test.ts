import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { currentProcess, isGone } from '../../src/adapters/process-owner.ts';

test('this process is not gone, an ended one and one from before a reboot are', async () => {
  const own = await currentProcess();
  const child = spawn('true');
  await new Promise((done) => child.once('close', done));
  expect(own.pid).toBe(process.pid);
  expect(await isGone(own)).toBe(false);
  expect(await isGone({ ...own, pid: child.pid ?? 0 })).toBe(true);
  expect(await isGone({ ...own, bootId: 'an earlier boot' })).toBe(true);
});

test('a later process with the same id is not taken for the one that was', async () => {
  const own = await currentProcess();
  expect(await isGone({ ...own, startTicks: own.startTicks - 1 })).toBe(true);
});

test('of a process on another machine nothing is known', async () => {
  expect(await isGone({ ...(await currentProcess()), host: 'elsewhere', pid: 999_999_999 })).toBe(false);
});
