import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { flat, MAINT } from '../support/maint.ts';
import { test, type Site } from '../support/site.ts';

/** May this user mount a small file system in a namespace of its own? */
const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

async function expectWorkDoneAndAlertSent(site: Site, ...args: readonly string[]): Promise<void> {
  const good = await site.run('daily', ...args);
  expect(good.exitCode).toBe(0);
  expect(flat(good.stdout)).toMatch(/not remembered|moved to/);
  expect(site.visible()).toHaveLength(1);
  site.env['DATABASE_URL'] = 'postgres://postgres@127.0.0.1:1/app';
  const bad = await site.run('daily', ...args);
  expect(bad.exitCode).toBe(1);
  expect(bad.stderr).not.toMatch(/^\s+at /m);
  expect(site.receiver.accepted().length).toBeGreaterThan(0);
}

describe('the work is done and alerts go out', () => {
  test('when the state directory cannot be made', async ({ site }) => {
    writeFileSync(join(site.folder, 'file'), '');
    await expectWorkDoneAndAlertSent(site, '--state', join(site.folder, 'file', 'state'));
  });

  test('when the journal is no database', async ({ site }) => {
    mkdirSync(site.state, { recursive: true });
    writeFileSync(join(site.state, 'journal.sqlite'), 'ruined'.repeat(2_000));
    await expectWorkDoneAndAlertSent(site);
  });

  test('when the journal is a folder', async ({ site }) => {
    mkdirSync(join(site.state, 'journal.sqlite'), { recursive: true });
    await expectWorkDoneAndAlertSent(site);
  });

  test.runIf(canMount)('when the disk of the state directory is full, or read-only', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    const state = join(site.folder, 'small');
    mkdirSync(state);
    for (const prepare of [`dd if=/dev/zero of=${state}/filler bs=4k 2>/dev/null`, `mount -o remount,ro ${state}`]) {
      const script = `mount -t tmpfs -o size=64k tmpfs ${state} && { ${prepare}; true; } && exec "$0" "$@"`;
      const args = [MAINT, 'daily', '--config', site.configFile, '--state', state];
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        ['--mount', 'sh', '-c', script, process.execPath, ...args],
        {
          env: { ...site.env, HOME: site.folder },
          encoding: 'utf8',
        },
      );
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(flat(stdout)).toContain('not remembered');
      expect(status, stdout + stderr).toBe(0);
    }
    expect(site.visible()).toHaveLength(2);
  });
});
