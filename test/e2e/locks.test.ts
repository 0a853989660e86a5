import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { openJournalToRead } from '../../src/engine/sqlite-journal.ts';
import { until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

/** Makes each backup take some seconds, so that there is a middle. */
function slowDown(site: Site, seconds: number): void {
  site.shadow('zstd', `case "$*" in *-d*) ;; *) sleep ${seconds} ;; esac\nexec /usr/bin/zstd "$@"`);
}

describe('two runs at once', () => {
  test('one works and the other exits 3 with the holder named, and touches nothing', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    slowDown(site, 2);
    const first = site.start('daily');
    await until('the first is at work', () => site.hidden().length > 0);
    const second = await site.run('daily');
    expect(second.exitCode).toBe(3);
    expect(second.stderr).toContain('LOCKED');
    expect(second.stderr).toContain(`process ${first.child.pid}`);
    expect((await first.ended).exitCode).toBe(0);
    expect(site.visible()).toHaveLength(1);
  });

  test('under cron the other exits 0, silently, and leaves a line in the history', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    slowDown(site, 2);
    const first = site.start('daily', '--cron');
    await until('the first is at work', () => site.hidden().length > 0);
    expect(await site.run('daily', '--cron')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect((await first.ended).exitCode).toBe(0);
    expect((await site.run('history')).stdout.split('\n').filter((line) => line.includes('daily'))).toHaveLength(2);
    using journal = openJournalToRead(site.state);
    const [second, ran] = journal.ledger.entries('daily', 10);
    expect(second).toMatchObject({ status: 'skipped', reason: 'another run is at work on this very slot' });
    expect(ran).toMatchObject({ slot: second?.slot, exitCode: 0, finishedAt: expect.any(String) });
    expect((await site.run('status')).exitCode, 'the slot is done').toBe(0);
  });

  test('a look does not wait for the lock', async ({ site }) => {
    slowDown(site, 2);
    const first = site.start('backup');
    await until('the first is at work', () => site.hidden().length > 0);
    expect((await site.run('health')).exitCode).toBe(0);
    expect((await first.ended).exitCode).toBe(0);
  });

  test('from two hosts are kept apart by the lease in the database', async ({ site }) => {
    slowDown(site, 2);
    const first = site.start('daily');
    await until('the first is at work', () => site.hidden().length > 0);
    const elsewhere = await site.run('daily', '--state', `${site.folder}/other-host`);
    expect(elsewhere.exitCode).toBe(3);
    expect(elsewhere.stderr).toContain('another host is at work');
    expect((await first.ended).exitCode).toBe(0);
  });
});

describe('a lock left by kill -9', () => {
  test('stops nobody: the next run works and sweeps up', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 1000) g');
    expect((await site.run('daily')).exitCode).toBe(0);
    slowDown(site, 1);
    for (let round = 0; round < 4; round += 1) {
      const before = site.visible();
      const running = site.start('daily');
      await until('it is at work', () => site.hidden().length > 0 || running.child.exitCode !== null);
      await setTimeout(randomInt(600));
      running.child.kill('SIGKILL');
      expect((await running.ended).signal).toBe('SIGKILL');
      expect(site.visible()).toEqual(before);
    }
    rmSync(`${site.folder}/bin/zstd`);
    const after = await site.run('daily');
    expect(after).toMatchObject({ exitCode: 0 });
    expect(site.visible()).toHaveLength(2);
    expect(site.hidden()).toEqual([]);
    expect((await site.run('verify-backup', '--all')).exitCode).toBe(0);
    expect((await site.run('history')).stdout).toContain('killed');
  });
});

describe('the same slot', () => {
  test('is never done twice, by eight hosts at once and by one that comes late', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    const hosts = await Promise.all(
      Array.from({ length: 8 }, (_, host) => site.run('daily', '--cron', '--state', `${site.folder}/host${host}`)),
    );
    expect(hosts.map(({ exitCode }) => exitCode)).toEqual(hosts.map(() => 0));
    expect(site.visible()).toHaveLength(1);
    const late = await site.run('daily', '--cron', '--state', `${site.folder}/late`);
    expect(late).toMatchObject({ exitCode: 0, stdout: '' });
    expect(site.visible()).toHaveLength(1);
    expect((await site.run('daily')).exitCode, 'a person may run it all the same').toBe(0);
    expect(site.visible()).toHaveLength(2);
  });

  test('is done after all when the run that claimed it was killed', async ({ site }) => {
    slowDown(site, 2);
    const running = site.start('daily', '--cron');
    await until('it is at work', () => site.hidden().length > 0);
    running.child.kill('SIGKILL');
    await running.ended;
    rmSync(`${site.folder}/bin/zstd`);
    expect((await site.run('daily', '--cron')).exitCode).toBe(0);
    expect(site.visible()).toHaveLength(1);
    expect((await site.run('daily', '--cron')).exitCode).toBe(0);
    expect(site.visible()).toHaveLength(1);
  });
});
