import { hostname } from 'node:os';
import { readFile, readlink } from 'node:fs/promises';

/** Which process of which machine and boot this is, so that what it leaves behind can be told from what is in use. */
export interface ProcessIdentity {
  readonly host: string;
  /** Changes with each start of the machine; empty where the system does not tell. */
  readonly bootId: string;
  readonly pid: number;
  /** When the process started, in clock ticks since boot: a number that a later process with the same pid does not share. */
  readonly startedTicks: number;
}

/** The identity of the running process. Needs Linux's /proc; elsewhere pid and ticks are 0. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const pid = Number(await readlink('/proc/self').catch(() => '0'));
  return { host: hostname(), bootId: await bootId(), pid, startedTicks: (await startedTicks(pid)) ?? 0 };
}

/** Is this process known to be gone? False where it cannot be known: on another host, or without /proc. */
export async function isGone({ host, bootId: boot, pid, startedTicks: ticks }: ProcessIdentity): Promise<boolean> {
  const current = await bootId();
  if (host !== hostname() || current === '') return false;
  return boot !== current || (await startedTicks(pid)) !== ticks;
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}

/** Field 22 of /proc/<pid>/stat; the second field, the program's name, may hold spaces and brackets. */
async function startedTicks(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined ? undefined : Number(fields[19]);
}
