import { describe, expect } from 'vitest';
import { descendants, until } from '../support/processes.ts';
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
    await until('it is at work', () => site.hidden().length > 0);
    const children = descendants(running.child.pid ?? 0);
    expect(children.length).toBeGreaterThan(0);
    running.child.kill(signal);
    const { exitCode: left, stdout, stderr } = await running.ended;
    expect(left).toBe(exitCode);
    expect(stderr).toContain(`${signal}: stopping`);
    expect(stdout).toContain(`stopped by ${signal}`);
    expect(stdout).toContain('database answers');
    expect(site.visible()).toEqual(before);
    expect(site.hidden()).toEqual([]);
    const left2 = descendants(1).filter(({ pid }) =>
      children.some((child) => child.pid === pid && child.commandLine.includes('pg_dump')),
    );
    expect(left2).toEqual([]);
    expect(site.receiver.requests, 'a stop is no alarm').toEqual([]);
    site.shadow('zstd', 'exec /usr/bin/zstd "$@"');
    expect((await site.run('daily')).exitCode).toBe(0);
  });
});
