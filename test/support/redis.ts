import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { portOf } from './certificates.ts';

/** Whether the real program is there; where it is not, tests that want it are skipped. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A real server in a folder of its own. */
export interface Redis {
  readonly port: number;
  readonly folder: string;
  /** Sends one command by `redis-cli`. @returns what it printed */
  readonly cli: (...words: readonly string[]) => string;
  /** Ends it without saving more, and waits for that. */
  stop(): Promise<void>;
}

interface Manner {
  /** As on its command line, without the two hyphens. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where an earlier one has left its data. */
  readonly folder?: string;
}

/** Starts redis-server on a free port of 127.0.0.1; it goes with the test. */
export async function startRedis({ settings = {}, folder = newFolder() }: Manner = {}): Promise<Redis> {
  const port = await freePort();
  const all = { bind: '127.0.0.1', dir: folder, save: '', port: String(port), ...settings };
  const args = Object.entries(all).flatMap(([key, value]) => [`--${key}`, ...(value === '' ? [''] : value.split(' '))]);
  const child = spawn(
    'redis-server',
    args.map((word) => word.replaceAll('$PORT', String(port))),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(stop);
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      // It listens before it has read its data: that is what a test of it is about.
      if (/Server initialized|Ready to accept/.test(said)) resolve();
    });
    void ended.then(() => reject(new Error(`redis-server ended:\n${said}`)));
  });
  return {
    port,
    folder,
    cli: (...words) => spawnSync('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8' }).stdout,
    stop,
  };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'maint-redis-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
