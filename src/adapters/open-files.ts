import { readdirSync, readFileSync, statSync } from 'node:fs';
import { pid as ownPid } from 'node:process';
import { systemCode } from './files.ts';

/** A process that has a file open for writing. */
interface FileWriter {
  readonly pid: number;
  /** Does each write go to the end of the file, wherever that is by then? */
  readonly appends: boolean;
}

/** What the processes of this host have open. */
export interface OpenFiles {
  /** Does a process hold it open, or stand in it? */
  isOpen(of: { readonly device: number; readonly inode: number }): boolean;
  /** Who may write to it. */
  writers(of: { readonly device: number; readonly inode: number }): readonly FileWriter[];
  /** False where processes of other users could not be looked into, for which it takes root. */
  readonly isComplete: boolean;
}

const WRITING = 0o3;
const APPENDING = 0o2000;

/**
 * Looks what other processes of this host hold open at this moment.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html
 */
export function openFiles(): OpenFiles {
  const open = new Map<string, number[]>();
  let isComplete = true;
  for (const pid of numbersIn('/proc') ?? []) {
    if (pid === ownPid) continue;
    const files = numbersIn(`/proc/${pid}/fd`);
    isComplete &&= files !== undefined;
    for (const path of [`/proc/${pid}/cwd`, ...(files ?? []).map((file) => `/proc/${pid}/fd/${file}`)]) {
      const key = identityOf(path);
      if (key !== undefined) open.set(key, [...new Set([...(open.get(key) ?? []), pid])]);
    }
  }
  return {
    isComplete,
    isOpen: (of) => open.has(keyOf(of.device, of.inode)),
    writers: (of) => (open.get(keyOf(of.device, of.inode)) ?? []).flatMap((pid) => writersIn(pid, of)),
  };
}

function writersIn(pid: number, { device, inode }: { readonly device: number; readonly inode: number }): FileWriter[] {
  return (numbersIn(`/proc/${pid}/fd`) ?? []).flatMap((file) => {
    if (identityOf(`/proc/${pid}/fd/${file}`) !== keyOf(device, inode)) return [];
    const flags = flagsOf(`/proc/${pid}/fdinfo/${file}`);
    return (flags & WRITING) === 0 ? [] : [{ pid, appends: (flags & APPENDING) !== 0 }];
  });
}

function keyOf(device: number, inode: number): string {
  return `${device}:${inode}`;
}

/** Undefined where the process, or the file, is gone by now or closed to us. */
function identityOf(path: string): string | undefined {
  return answered(() => {
    const { dev, ino } = statSync(path);
    return keyOf(dev, ino);
  });
}

function flagsOf(path: string): number {
  const said = answered(() => readFileSync(path, 'utf8')) ?? '';
  return Number.parseInt(/^flags:\s*(\d+)$/m.exec(said)?.[1] ?? '0', 8);
}

/** Undefined where the folder is closed to us; a process that has ended has nothing open. */
function numbersIn(folder: string): readonly number[] | undefined {
  try {
    return readdirSync(folder)
      .map(Number)
      .filter((number) => Number.isInteger(number));
  } catch (error) {
    if (systemCode(error) === 'EACCES' || systemCode(error) === 'EPERM') return undefined;
    return [];
  }
}

function answered<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (systemCode(error) === '') throw error;
    return undefined;
  }
}
