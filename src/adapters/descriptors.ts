import { readdir, readFile } from 'node:fs/promises';
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
export async function descriptorFacts(proc = '/proc'): Promise<DescriptorFacts | undefined> {
  const numbers = await read(join(proc, 'sys/fs/file-nr'));
  if (numbers === undefined) return undefined;
  const [open = Number.NaN, , limit = Number.NaN] = numbers.trim().split(/\s+/).map(Number);
  if (Number.isNaN(open) || Number.isNaN(limit))
    throw new MaintError('FILE_UNUSABLE', `${proc}/sys/fs/file-nr does not tell how many files are open`);
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  const looked = await Promise.all(pids.map((pid) => processDescriptors(proc, pid)));
  return {
    open,
    limit,
    processes: looked.filter((each) => each !== undefined && each !== 'closed'),
    unseen: looked.filter((each) => each === 'closed').length,
  };
}

/** @returns `closed` where it belongs to someone else, undefined where it is gone or has no limit */
async function processDescriptors(proc: string, pid: string): Promise<ProcessDescriptors | 'closed' | undefined> {
  const folder = join(proc, pid);
  const open = await count(join(folder, 'fd'));
  if (typeof open !== 'number') return open;
  const limits = (await read(join(folder, 'limits'))) ?? '';
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  const command = ((await read(join(folder, 'comm'))) ?? '').trim();
  return Number.isNaN(limit) ? undefined : { pid: Number(pid), command, open, limit };
}

async function count(folder: string): Promise<number | 'closed' | undefined> {
  try {
    return (await readdir(folder)).length;
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return error.code === 'EACCES' || error.code === 'EPERM' ? 'closed' : undefined;
    throw error;
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
