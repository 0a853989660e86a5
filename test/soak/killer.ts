import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { Cluster } from '../../src/adapters/cluster.ts';
import { descendants, processes, type Process } from '../support/process-table.ts';

/** Where victims are found. */
interface Grounds {
  /** The server that is backed up: its backends are fair game, the postmaster is not. */
  readonly cluster: Cluster;
  /** Whatever works below it is fair game. */
  readonly scratch: string;
}

const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 9_000;
/** A backend that is killed takes all sessions of its server with it, so it is not picked each time. */
const BACKEND_SHARE = 0.15;

/**
 * Ends one process after the other without warning, until the signal.
 * @returns what was killed, by name
 */
export async function startKiller(grounds: Grounds, signal: AbortSignal): Promise<readonly string[]> {
  const killed: string[] = [];
  while (!signal.aborted) {
    await sleep(MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS));
    const victim = signal.aborted ? undefined : pick(grounds);
    if (victim === undefined) continue;
    try {
      process.kill(victim.pid, 'SIGKILL');
      killed.push(victim.name);
    } catch {
      // It ended by itself meanwhile.
    }
  }
  return killed;
}

interface Victim {
  readonly pid: number;
  readonly name: string;
}

/** First which program, then which of its processes: else the many backends of sandboxes would hide the few others. */
function pick({ cluster, scratch }: Grounds): Victim | undefined {
  const ours = [
    ...descendants(process.pid).map((found) => ({ pid: found.pid, name: programOf(found) })),
    ...processes()
      .filter(({ pid }) => placeOf(pid).startsWith(`${scratch}/`))
      .map(({ pid }) => ({ pid, name: 'postgres of a sandbox' })),
    ...(Math.random() < BACKEND_SHARE ? backendsOf(cluster) : []),
  ];
  const names = [...new Set(ours.map(({ name }) => name))];
  const name = names[Math.floor(Math.random() * names.length)];
  const victims = ours.filter((victim) => victim.name === name);
  return victims[Math.floor(Math.random() * victims.length)];
}

function backendsOf({ directory }: Cluster): readonly Victim[] {
  const postmaster = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  return descendants(postmaster)
    .filter(({ commandLine }) => /\[local\]/.test(commandLine))
    .map(({ pid }) => ({ pid, name: 'backend' }));
}

function programOf({ commandLine }: Process): string {
  if (commandLine.includes('maint.js')) return 'maint';
  return commandLine.split(' ', 1)[0]?.split('/').at(-1) ?? '';
}

function placeOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It ended meanwhile, or belongs to the kernel.
    return '';
  }
}
