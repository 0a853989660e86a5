import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaintError } from '../base/errors.ts';

/** Open files of one process against what it may have. */
export interface ProcessDescriptors {
  readonly pid: number;
  /** As `ps` shows it. */
  readonly command: string;
  readonly open: number;
  readonly limit: number;
}

/** Open files of the host and of its processes. */
export interface DescriptorFacts {
  readonly open: number;
  readonly limit: number;
  /** Those that this user may look into. */
  readonly processes: readonly ProcessDescriptors[];
  /** How many processes belong to others. */
  readonly unseen: number;
}

/**
 * Asks the kernel for open files.
 * @returns undefined where the kernel is no Linux
 * @throws MaintError FILE_UNUSABLE when what it tells cannot be understood
 * @see https://docs.kernel.org/admin-guide/sysctl/fs.html#file-max-file-nr
 */
export function descriptorFacts(proc = '/proc'): DescriptorFacts | undefined {
  const numbers = read(join(proc, 'sys/fs/file-nr'));
  if (numbers === undefined) return undefined;
  const [open = Number.NaN, , limit = Number.NaN] = numbers.trim().split(/\s+/).map(Number);
  if (Number.isNaN(open) || Number.isNaN(limit))
    throw new MaintError('FILE_UNUSABLE', `${proc}/sys/fs/file-nr does not tell how many files are open`);
  const pids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
  // The kernel answers from memory: a promise for each of some hundred files would take longer than all answers.
  const looked = pids.map((pid) => processDescriptors(proc, pid));
  return {
    open,
    limit,
    processes: looked.filter((each) => each !== undefined && each !== 'closed'),
    unseen: looked.filter((each) => each === 'closed').length,
  };
}

/** @returns `closed` where it belongs to someone else, undefined where it is gone or has no limit */
function processDescriptors(proc: string, pid: string): ProcessDescriptors | 'closed' | undefined {
  const folder = join(proc, pid);
  const open = count(join(folder, 'fd'));
  if (typeof open !== 'number') return open;
  const limits = read(join(folder, 'limits')) ?? '';
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  const command = (read(join(folder, 'comm')) ?? '').trim();
  return Number.isNaN(limit) ? undefined : { pid: Number(pid), command, open, limit };
}

function count(folder: string): number | 'closed' | undefined {
  try {
    return readdirSync(folder).length;
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return error.code === 'EACCES' || error.code === 'EPERM' ? 'closed' : undefined;
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
