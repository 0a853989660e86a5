import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/read.ts';
import { tasks } from '../../src/tasks/index.ts';

async function load(settings: object, override?: string): ReturnType<typeof loadConfig> {
  const folder = mkdtempSync(join(tmpdir(), 'maint-copy-names-'));
  const file = join(folder, 'maint.yaml');
  writeFileSync(file, stringify(settings));
  const overrides =
    override === undefined ? [] : [{ task: 'verify-backup', setting: 'copy', value: override, flag: '--copy' }];
  try {
    return await loadConfig({ env: {}, cwd: folder, configPath: file, tasks, overrides });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const NAS = { copies: [{ name: 'nas', type: 'directory', directory: '/mnt/nas' }] };

test('a task may name this host or a copy that is configured', async () => {
  const config = await load({
    backups: NAS,
    tasks: { 'verify-backup': { copy: 'nas' }, 'restore-test': { copy: 'local' } },
  });
  expect(config.backups.copies.map(({ name }) => name)).toEqual(['nas']);
});

test('a copy that nobody configured is found before anything runs, in the file and on the command line', async () => {
  const wrong = { backups: NAS, tasks: { 'restore-test': { copy: 'nsa' } } };
  await expect(load(wrong)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/tasks\.restore-test\.copy: there is no copy nsa; .* local, nas/),
  });
  await expect(load({ backups: NAS }, 'nsa')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('nsa'),
  });
});
