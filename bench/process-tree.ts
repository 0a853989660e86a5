import { readdirSync, readFileSync } from 'node:fs';

/** The most memory that was in use at one time. */
interface PeakMemory {
  /** Of a process and everything it started, counted fairly: pages that several share are split among them. */
  readonly treeBytes: number;
  /** Resident memory of the process alone. */
  readonly ownBytes: number;
}

/** Watches the memory of a process from now on. */
export function watchMemory(root: number): { stop(): PeakMemory } {
  let [treeBytes, ownBytes] = [0, 0];
  const timer = setInterval(() => {
    const tree = treeOf(root).reduce((sum, pid) => sum + proportionalBytes(pid), 0);
    treeBytes = Math.max(treeBytes, tree);
    ownBytes = Math.max(ownBytes, peakResidentBytes(root));
  }, 100);
  return {
    stop: () => {
      clearInterval(timer);
      return { treeBytes, ownBytes };
    },
  };
}

/** CPU seconds that the ended children of a process took, their children included. */
export function childrenCpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / TICKS_PER_SECOND;
}

/** CPU seconds that the whole machine has been busy since it started. */
export function machineCpuSeconds(): number {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1).join('').trim().split(/\s+/).map(Number);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return (ticks.slice(0, 8).reduce((sum, value) => sum + value, 0) - idle) / TICKS_PER_SECOND;
}

const TICKS_PER_SECOND = 100;

function treeOf(root: number): readonly number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: Number(statFields(Number(name))[1] ?? 0) }));
  const below = (pid: number): readonly number[] => [
    pid,
    ...parents.filter(({ parent }) => parent === pid).flatMap((child) => below(child.pid)),
  ];
  return below(root);
}

/** The fields of /proc/<pid>/stat from the third on; the second may hold spaces. */
function statFields(pid: number): readonly string[] {
  const line = readIfThere(`/proc/${pid}/stat`);
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

function proportionalBytes(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1_024;
}

function peakResidentBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/status`))?.[1] ?? 0) * 1_024;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return '';
  }
}
