import { readFileSync } from 'node:fs';

/** Changes with every boot of the machine, so that a process id from before a reboot is known to be dead. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: process ids alone have to do.
    return 'unknown';
  }
}

/**
 * Is this process still there, whoever it belongs to? One that has ended and waits to be buried is not: in a container
 * whose first process buries nobody it would wait for ever.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function isProcessAlive(pid: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it may hold anything, parentheses too.
    return !/^[ZX]/.test(line.slice(line.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
