import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { requireReserve, requireRoom } from '../../src/backups/room.ts';

/** A disk of 20 MB. */
async function smallDisk(skip: (note: string) => never): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), 'maint-disk-'));
  onTestFinished(async () => {
    spawnSync('/bin/umount', [disk]);
    await rm(disk, { recursive: true });
  });
  const { status } = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', disk]);
  return status === 0 ? disk : skip('mounting a small disk needs root');
}

test('a backup needs a third more room than the one before, and says so before it begins', async ({ skip }) => {
  const disk = await smallDisk(skip);
  await requireRoom(join(disk, 'not', 'there'), 15 * 2 ** 20);
  await expect(requireRoom(join(disk, 'not', 'there'), 16 * 2 ** 20)).rejects.toMatchObject({
    code: 'NO_SPACE',
    detail: 'preflight.no_space',
    message: expect.stringMatching(`^${disk} has 20 MB free, a backup needs about 21 MB$`),
  });
});

test('a growing backup stops before it has taken the last of a disk', async ({ skip }) => {
  const disk = await smallDisk(skip);
  await writeFile(join(disk, 'half'), Buffer.alloc(10 * 2 ** 20));
  await requireReserve(disk);
  await writeFile(join(disk, 'rest'), Buffer.alloc(9.2 * 2 ** 20));
  await expect(requireReserve(disk)).rejects.toMatchObject({ code: 'NO_SPACE', detail: 'backup.disk_filling' });
});
