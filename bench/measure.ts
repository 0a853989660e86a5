import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../src/adapters/cluster.ts';
import { childrenCpuSeconds, machineCpuSeconds, watchMemory } from './process-tree.ts';

/** A program to be measured. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Laid over the environment of the bench. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The user to run it as; only root may name another. */
  readonly account?: { readonly uid: number; readonly gid: number };
  /** The server that works for it, whose CPU counts as well. */
  readonly cluster?: Cluster;
}

/** What a program took. */
export interface Measure {
  readonly exitCode: number | null;
  /** Both streams. */
  readonly said: string;
  readonly wallSeconds: number;
  /** Of the program, all that it started, and the backends of its server. */
  readonly cpuSeconds: number;
  /** CPU that others used meanwhile: a measure with much of it says little. */
  readonly foreignCpuSeconds: number;
  /** Peak of the whole tree, shared pages split among those who share them. */
  readonly treeBytes: number;
  /** Peak resident memory of the program alone. */
  readonly ownBytes: number;
}

export const MB = 2 ** 20;

/** A line of bash in which every program must succeed. */
export function shell(script: string): Pick<Command, 'file' | 'args'> {
  return { file: 'bash', args: ['-o', 'pipefail', '-c', script] };
}

/** The built door. */
export function maint(...args: readonly string[]): Pick<Command, 'file' | 'args'> {
  return { file: process.execPath, args: [join(import.meta.dirname, '../bin/maint.js'), ...args] };
}

/** Runs a program to its end. */
export async function measure({ file, args, env, cwd, account, cluster }: Command): Promise<Measure> {
  const server = cluster === undefined ? undefined : postmasterOf(cluster);
  const serverCpu = (): number => (server === undefined ? 0 : childrenCpuSeconds(server));
  const before = { own: childrenCpuSeconds(process.pid), server: serverCpu(), all: machineCpuSeconds() };
  const startedAt = performance.now();
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
    ...account,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const memory = watchMemory(child.pid ?? 0);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('close', resolve).on('error', reject);
  });
  const wallSeconds = (performance.now() - startedAt) / 1_000;
  const cpuSeconds = childrenCpuSeconds(process.pid) - before.own + serverCpu() - before.server;
  return {
    exitCode,
    said,
    wallSeconds,
    cpuSeconds,
    foreignCpuSeconds: Math.max(0, machineCpuSeconds() - before.all - cpuSeconds),
    ...memory.stop(),
  };
}

/** As `measure`, for what must succeed. */
export async function measureSuccess(command: Command): Promise<Measure> {
  const measured = await measure(command);
  if (measured.exitCode === 0) return measured;
  throw new Error(`${command.file} ${command.args.join(' ')} ended with ${measured.exitCode}:\n${measured.said}`);
}

/** The measure in the middle, by wall time. */
export function median(measures: readonly Measure[]): Measure {
  const found = measures.toSorted((a, b) => a.wallSeconds - b.wallSeconds)[Math.floor(measures.length / 2)];
  if (found === undefined) throw new Error('nothing was measured');
  return found;
}

/** One line that says whether a promise was kept. */
export function judged(what: string, found: number, atMost: number): string {
  return `target: ${what} at most ${atMost}, found ${found.toFixed(2)}: ${found <= atMost ? 'met' : 'MISSED'}`;
}

/** As `judged`, for what should be large. */
export function judgedAtLeast(what: string, found: number, atLeast: number): string {
  return `target: ${what} at least ${atLeast}, found ${found.toFixed(2)}: ${found >= atLeast ? 'met' : 'MISSED'}`;
}

/** What a file or a folder takes. */
export function sizeOf(path: string): number {
  const facts = statSync(path);
  if (!facts.isDirectory()) return facts.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** Rows as Markdown, the first one the head. */
export function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function postmasterOf({ directory }: Cluster): number {
  return Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
}
