import { describe, expect } from 'vitest';
import { descendants, processes, until } from '../support/process-table.ts';
import { test } from '../support/site.ts';

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle of a backup', (signal, exitCode) => {
  test('stops it, leaves nothing behind and says how far it came', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    expect((await site.run('daily')).exitCode).toBe(0);
    const before = site.visible();
    site.shadow('zstd', 'case "$*" in *-d*) ;; *) sleep 20 ;; esac\nexec /usr/bin/zstd "$@"');
    const running = site.start('daily');
    const pid = running.child.pid ?? 0;
    await until('it dumps', () => descendants(pid).some(({ commandLine }) => commandLine.includes('pg_dump -')));
    const children = descendants(pid).map((child) => child.pid);
    running.child.kill(signal);
    const ended = await running.ended;
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).toContain(`${signal}: stopping`);
    expect(ended.stdout).toContain(`stopped by ${signal}`);
    expect(ended.stdout).toContain('database answers');
    expect(site.visible()).toEqual(before);
    expect(site.hidden()).toEqual([]);
    // One that is dead and not yet buried by init has no command line any more.
    const left = processes().filter(({ pid, commandLine }) => children.includes(pid) && commandLine !== '');
    expect(left).toEqual([]);
    expect(site.receiver.requests, 'a stop is no alarm').toEqual([]);
    site.shadow('zstd', 'exec /usr/bin/zstd "$@"');
    expect((await site.run('daily')).exitCode).toBe(0);
  });
});
