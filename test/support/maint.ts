import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The door, as a person or cron opens it. */
export const MAINT = join(import.meta.dirname, '../../bin/maint.js');

export interface MaintRequest {
  readonly args: readonly string[];
  /** Nothing of the test's own environment but the PATH reaches the program. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface MaintEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running maint. */
export interface RunningMaint {
  readonly child: ChildProcess;
  readonly ended: Promise<MaintEnd>;
  /** What it has printed so far on both streams. */
  said(): string;
}

/** Starts the real program in a process group of its own. */
export function startMaint({ args, env = {}, cwd = '/' }: MaintRequest): RunningMaint {
  const child = spawn(process.execPath, [MAINT, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(() => ({
    exitCode: child.exitCode,
    signal: child.signalCode,
    stdout,
    stderr,
  }));
  return { child, ended, said: () => stdout + stderr };
}

/** Runs the real program to its end. */
export async function runMaint(request: MaintRequest): Promise<MaintEnd> {
  return startMaint(request).ended;
}

/** A text without its line breaks, for words that the width of the page may have parted. */
export function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
