import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MaintError } from '../base/errors.ts';

/** How much memory there is for the processes here, and how much of it cannot be given back. */
export interface MemoryFacts {
  /** Whose limit it is: the whole host's, or that of the container or service (control group). */
  readonly of: 'host' | 'control group';
  readonly totalBytes: number;
  /** What could be handed out without swapping. */
  readonly availableBytes: number;
  /** How often the kernel has ended a process of this control group for want of memory; undefined where it does not count. */
  readonly oomKills: number | undefined;
  /** Share of the last five minutes in which something had to wait for memory; left out where the kernel does not tell. */
  readonly stalledShare?: number;
}

/** Where the kernel tells. */
export interface KernelPlaces {
  readonly proc: string;
  readonly cgroup: string;
}

const PLACES: KernelPlaces = { proc: '/proc', cgroup: '/sys/fs/cgroup' };

/**
 * Asks the kernel for memory. A limit of the own control group (version 2), or of one above it, counts before that of the
 * host: a container is out of memory long before its host is.
 * @returns undefined where the kernel is no Linux
 * @throws MaintError FILE_UNUSABLE when what the kernel tells cannot be read
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 */
export function memoryFacts(places: KernelPlaces = PLACES): MemoryFacts | undefined {
  const meminfo = read(join(places.proc, 'meminfo'));
  if (meminfo === undefined) return undefined;
  const totalBytes = kilobytes(meminfo, 'MemTotal');
  const host = { of: 'host', totalBytes, availableBytes: kilobytes(meminfo, 'MemAvailable') } as const;
  const group = tightestGroup(places);
  const told = { oomKills: group.oomKills, ...stalled(places) };
  if (group.limit === undefined || group.limit.totalBytes >= totalBytes) return { ...host, ...told };
  const { totalBytes: limit, usedBytes } = group.limit;
  // Inside a large limit the host can be the one that runs out first.
  if (limit - usedBytes > host.availableBytes) return { ...host, ...told };
  return { of: 'control group', totalBytes: limit, availableBytes: Math.max(0, limit - usedBytes), ...told };
}

/** Of the own control group where it tells, else of the host. @see https://docs.kernel.org/accounting/psi.html */
function stalled({ proc, cgroup }: KernelPlaces): Pick<MemoryFacts, 'stalledShare'> {
  const own = ownGroup(proc);
  const group = own === undefined ? undefined : read(join(cgroup, own, 'memory.pressure'));
  const percent = /^some .*avg300=([\d.]+)/m.exec(group ?? read(join(proc, 'pressure/memory')) ?? '')?.[1];
  return percent === undefined ? {} : { stalledShare: Number(percent) / 100 };
}

function ownGroup(proc: string): string | undefined {
  return /^0::(\/.*)$/m.exec(read(join(proc, 'self/cgroup')) ?? '')?.[1];
}

interface GroupFacts {
  readonly limit: { readonly totalBytes: number; readonly usedBytes: number } | undefined;
  readonly oomKills: number | undefined;
}

/** Of the own control group and those above it, the one with the smallest limit. */
function tightestGroup({ proc, cgroup }: KernelPlaces): GroupFacts {
  const own = ownGroup(proc);
  if (own === undefined) return { limit: undefined, oomKills: undefined };
  const folder = join(cgroup, own);
  const events = read(join(folder, 'memory.events'));
  const limits = [];
  for (let each = folder; each.startsWith(cgroup); each = dirname(each)) limits.push(limitOf(each));
  const [tightest] = limits.filter((limit) => limit !== undefined).toSorted((a, b) => a.totalBytes - b.totalBytes);
  return { limit: tightest, oomKills: events === undefined ? undefined : numberAfter(events, 'oom_kill') };
}

function limitOf(folder: string): GroupFacts['limit'] {
  const max = Number(read(join(folder, 'memory.max')));
  const current = Number(read(join(folder, 'memory.current')));
  if (!Number.isFinite(max) || !Number.isFinite(current)) return undefined;
  // Pages of files that nobody has touched for a while are given back before anything is refused.
  const reclaimable = numberAfter(read(join(folder, 'memory.stat')) ?? '', 'inactive_file') ?? 0;
  return { totalBytes: max, usedBytes: Math.max(0, current - reclaimable) };
}

function kilobytes(meminfo: string, name: string): number {
  const value = numberAfter(meminfo, `${name}:`);
  if (value === undefined) throw new MaintError('FILE_UNUSABLE', `/proc/meminfo does not tell ${name}`);
  return value * 1_024;
}

function numberAfter(text: string, name: string): number | undefined {
  const digits = new RegExp(String.raw`^${name}\s+(\d+)`, 'm').exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Which file is there depends on kernel and container; one that is missing or closed tells nothing. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
