import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, statSync, chownSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../../src/adapters/cluster.ts';

/** A server that follows another. */
export interface Standby extends Disposable {
  url(database: string): string;
  /** Stops it and starts it again, whether its primary is there or not. */
  restart(): void;
}

/** Copies a cluster and lets the copy follow it, streaming through a slot where one is named. */
export function startStandby(primary: Cluster, binDirectory: string, slot?: string): Standby {
  const directory = mkdtempSync(join(tmpdir(), 'maint-sb-'));
  const { uid, gid } = statSync(join(primary.directory, 'data'));
  chownSync(directory, uid, gid);
  const account = process.getuid?.() === 0 ? { uid, gid } : {};
  const data = join(directory, 'data');
  const run = (program: string, ...args: readonly string[]): void => {
    const { status, stderr } = spawnSync(join(binDirectory, program), args, {
      ...account,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  };
  const from = ['-h', primary.socketDirectory, '-p', String(primary.port), '-U', primary.superuser];
  const follow = slot === undefined ? ['-R'] : ['-R', '-S', slot];
  run('pg_basebackup', ...from, '-D', data, '-X', 'stream', '-c', 'fast', ...follow);
  appendFileSync(join(data, 'postgresql.auto.conf'), `cluster_name = 'standby'\n`);
  const start = (): void =>
    run('pg_ctl', 'start', '-w', '-s', '-D', data, '-l', join(directory, 'server.log'), '-o', `-k ${directory}`);
  start();
  return {
    url: (database) => primary.url(database).replace(primary.socketDirectory, directory),
    restart: () => {
      run('pg_ctl', 'stop', '-m', 'fast', '-s', '-D', data);
      start();
    },
    [Symbol.dispose]: () => {
      run('pg_ctl', 'stop', '-m', 'immediate', '-s', '-D', data);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
