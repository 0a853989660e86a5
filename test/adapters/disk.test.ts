import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { deviceOf, diskUsage } from '../../src/adapters/disk.ts';

test('the used share is that of df', async () => {
  const { stdout } = spawnSync('df', ['-P', '-B1', tmpdir()], { encoding: 'utf8' });
  const [, , used = '', available = ''] = stdout.split('\n')[1]?.split(/\s+/) ?? [];
  const usage = await diskUsage(tmpdir());
  expect(usage.usedShare).toBeCloseTo(Number(used) / (Number(used) + Number(available)), 2);
  expect(usage.freeBytes / Number(available)).toBeCloseTo(1, 1);
});

test('a missing path is an obstacle that names the path', async () => {
  const missing = { code: 'FILE_UNUSABLE', message: '/nowhere/at/all cannot be looked at (ENOENT)' };
  await expect(diskUsage('/nowhere/at/all')).rejects.toMatchObject(missing);
  await expect(deviceOf('/nowhere/at/all')).rejects.toMatchObject(missing);
});

test('a filesystem without a size cannot be judged', async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux has /proc');
  await expect(diskUsage('/proc')).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
});
