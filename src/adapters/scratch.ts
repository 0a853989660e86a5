import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { availableMemory, getuid, kill } from 'node:process';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { translated } from './files.ts';

/** The system's folder for what need not last. */
export function temporaryFolder(): string {
  return tmpdir();
}

/** How many things this machine can compute at once. */
export function processorCount(): number {
  return availableParallelism();
}

/** How much memory a new process can have before something has to go: what a container allows, or what is to spare. */
export function spareMemoryBytes(): number {
  return availableMemory();
}

/** Numeric id of the current user; undefined where the system has none. */
export function currentUid(): number | undefined {
  return getuid?.();
}

/**
 * Makes a new folder that others cannot look into. As root the server's own user may pass through it to what it owns.
 * @throws MaintError FILE_UNUSABLE where there is something already, NO_SPACE
 */
export async function makeScratchFolder(path: string): Promise<void> {
  await translated(path, () => mkdir(path, { mode: 0o700 }));
  if (currentUid() === 0) await translated(path, () => chmod(path, 0o711));
}

/** Writes a file that need not survive a power cut. @throws MaintError FILE_UNUSABLE, NO_SPACE */
export async function writeBytes(path: string, bytes: Buffer): Promise<void> {
  await translated(path, () => writeFile(path, bytes, { mode: 0o600 }));
}

/** A new file that programs can write into, for data that need not survive a power cut. Disposing closes it here. */
export interface ScratchFile extends Disposable {
  readonly file: Writable;
}

/** Makes a file that only this user can read. @throws MaintError FILE_UNUSABLE, NO_SPACE */
export async function openScratchFile(path: string): Promise<ScratchFile> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await translated(path, () => once(file, 'open'));
  return { file, [Symbol.dispose]: () => void file.destroy() };
}

/** Copies a folder with all that is in it to a new place that need not survive a power cut. @throws MaintError FILE_UNUSABLE, NO_SPACE */
export async function copyFolder(from: string, to: string): Promise<void> {
  await translated(to, () => cp(from, to, { recursive: true, errorOnExist: true, force: false }));
}

/** The bytes of a small file. @throws MaintError FILE_UNUSABLE */
export async function readBytes(path: string): Promise<Buffer> {
  return translated(path, () => readFile(path));
}

/** Makes a program of a shell script. @throws MaintError FILE_UNUSABLE, NO_SPACE */
export async function writeScript(path: string, script: string): Promise<void> {
  await translated(path, () => writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o700 }));
}

/**
 * When did this folder of ours last change?
 * @returns milliseconds since the epoch; undefined where it is gone, no real folder, or belongs to someone else
 */
export async function changedAt(path: string): Promise<number | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  const uid = currentUid();
  if (facts === undefined || !facts.isDirectory() || (uid !== undefined && facts.uid !== uid)) return undefined;
  return facts.mtimeMs;
}

/** Programs that work inside a throw-away cluster's folder and outlive the one that started them. */
const SERVER_PROGRAMS: ReadonlySet<string> = new Set(['postgres', 'postmaster', 'initdb', 'pg_ctl']);
/** The polite way first: a server that is asked removes its socket and its shared memory. */
const WAYS = [
  { signal: 'SIGQUIT', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;

/**
 * Ends every server program that works inside a folder, and waits until they are gone.
 * @returns the ids of the processes that were ended
 */
export async function endServersIn(folder: string): Promise<readonly number[]> {
  const first = await serversIn(folder);
  for (const { signal, waitMs } of WAYS) {
    const endsAt = performance.now() + waitMs;
    let left = await serversIn(folder);
    for (const pid of left) send(pid, signal);
    while (left.length > 0 && performance.now() < endsAt) {
      await sleep(20);
      left = await serversIn(folder);
    }
  }
  return first;
}

/** Looks where each process works, and what it was started with. @see https://man7.org/linux/man-pages/man5/proc.5.html */
async function serversIn(folder: string): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const checked = await Promise.all(pids.map(async (pid) => ((await isServerIn(pid, folder)) ? [pid] : [])));
  return checked.flat();
}

async function isServerIn(pid: number, folder: string): Promise<boolean> {
  const place = join('/proc', String(pid));
  const program = basename(await readlink(join(place, 'exe')).catch(() => ''));
  if (!SERVER_PROGRAMS.has(program.replace(' (deleted)', ''))) return false;
  const directory = await readlink(join(place, 'cwd')).catch(() => '');
  if (directory.startsWith(`${folder}/`)) return true;
  const words = await readFile(join(place, 'cmdline'), 'utf8').catch(() => '');
  return words.split('\0').some((word) => word.startsWith(`${folder}/`));
}

function send(pid: number, signal: 'SIGQUIT' | 'SIGKILL'): void {
  try {
    kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
