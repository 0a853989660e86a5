import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** A process of this machine. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its words, joined by blanks. */
  readonly commandLine: string;
}

/** Every process there is now. */
export function processes(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const parent = Number(
          readFileSync(`/proc/${name}/stat`, 'utf8')
            .replace(/^.*\) \S /s, '')
            .split(' ')[0],
        );
        return [{ pid: Number(name), parent, commandLine }];
      } catch {
        // It ended between the two looks.
        return [];
      }
    });
}

/** The descendants of a process, whatever they are. */
export function descendants(pid: number): readonly Process[] {
  const all = processes();
  const below = (parent: number): readonly Process[] =>
    all.filter((process) => process.parent === parent).flatMap((process) => [process, ...below(process.pid)]);
  return below(pid);
}

/** Waits until something is so. @throws Error after the limit */
export async function until(what: string, isSo: () => boolean, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await setTimeout(5);
  }
}
