import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pid } from 'node:process';
import { bootId, isProcessAlive } from './host.ts';

/** Which process, of which boot of which machine: so that what a dead one left behind can be told from what is in use. */
export interface ProcessOwner {
  readonly host: string;
  /** Changes with each start of the machine. */
  readonly bootId: string;
  readonly pid: number;
  /** When the process began, in clock ticks since the boot: a later process with the same pid has another. 0 without /proc. */
  readonly startTicks: number;
}

/** The running process. */
export async function currentProcess(): Promise<ProcessOwner> {
  return { host: hostname(), bootId: bootId(), pid, startTicks: await startTicksOf(pid) };
}

/** Is the process known to be gone? Of a process on another machine that cannot be known. */
export async function isGone(owner: ProcessOwner): Promise<boolean> {
  if (owner.host !== hostname()) return false;
  if (owner.bootId !== bootId() || !isProcessAlive(owner.pid)) return true;
  return (await startTicksOf(owner.pid)) !== owner.startTicks;
}

/**
 * Field 22 of the process's line; the second field is its name and may hold spaces and brackets.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
async function startTicksOf(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? 0);
}
