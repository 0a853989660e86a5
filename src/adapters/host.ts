import { existsSync, readFileSync } from 'node:fs';

/** Changes with every boot of the machine, so that a process id from before a reboot is known to be dead. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: process ids alone have to do.
    return 'unknown';
  }
}

/** Is this process still there, whoever it belongs to? @see https://man7.org/linux/man-pages/man5/proc.5.html */
export function isProcessAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
