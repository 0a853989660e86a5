import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Ids of the processes below this one whose program has that name; not those that are only asked for their version. */
export function descendants(name: string, root = process.pid): readonly number[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => ({ pid: Number(entry), ...factsOf(Number(entry)) }));
  const below = (pid: number): readonly (typeof all)[number][] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return below(root)
    .filter((process) => process.name === name && process.state !== 'Z')
    .map(({ pid }) => pid)
    .filter((pid) => isAtWork(readIfThere(`/proc/${pid}/cmdline`)));
}

/** A process that has just ended has no command line any more. */
function isAtWork(commandLine: string): boolean {
  return commandLine !== '' && !commandLine.includes('--version');
}

/** Does a process still run? One that only waits to be buried does not. */
export function isAlive(pid: number): boolean {
  return factsOf(pid).state !== 'Z';
}

/** Waits until something is so; fails after ten seconds. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(10);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** The id of a process below this one, as soon as there is one of that name. */
export async function processNamed(name: string): Promise<number> {
  return until(name, () => descendants(name)[0]);
}

function factsOf(pid: number): { readonly name: string; readonly parent: number; readonly state: string } {
  const line = readIfThere(`/proc/${pid}/stat`);
  const [state = '', parent] = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return {
    name: line.slice(line.indexOf('(') + 1, line.lastIndexOf(')')),
    parent: Number(parent),
    state: state || 'Z',
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended between being listed and being read.
    return '';
  }
}
