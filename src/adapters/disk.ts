import { stat, statfs } from 'node:fs/promises';
import { MaintError } from '../base/errors.ts';

/** How full the filesystem below a path is, as `df` counts it. */
export interface DiskUsage {
  /** 0 to 1, of what an ordinary user could fill: blocks kept back for root count as used up. */
  readonly usedShare: number;
  /** What an ordinary user can still write. */
  readonly freeBytes: number;
  /** 0 to 1; undefined on filesystems that make inodes as they need them. */
  readonly inodesUsedShare: number | undefined;
}

/**
 * Asks the filesystem that holds a path how full it is.
 * @throws MaintError FILE_UNUSABLE when the path is missing, cannot be reached, or lies on something without a size
 * @see https://man7.org/linux/man-pages/man2/statfs.2.html
 */
export async function diskUsage(path: string): Promise<DiskUsage> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path).catch((error: unknown) => {
    throw unusable(path, error);
  });
  const used = blocks - bfree;
  if (used + bavail <= 0)
    throw new MaintError('FILE_UNUSABLE', `${path} lies on a filesystem without a size`, {
      hint: 'Name a directory on a real disk.',
    });
  return {
    usedShare: used / (used + bavail),
    freeBytes: bavail * bsize,
    inodesUsedShare: files > 0 ? (files - ffree) / files : undefined,
  };
}

/**
 * The number of the device that holds a path: two paths with the same number fill the same filesystem.
 * @throws MaintError FILE_UNUSABLE
 */
export async function deviceOf(path: string): Promise<number> {
  const { dev } = await stat(path).catch((error: unknown) => {
    throw unusable(path, error);
  });
  return dev;
}

function unusable(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return error;
  return new MaintError('FILE_UNUSABLE', `${path} cannot be looked at (${error.code})`, { cause: error });
}
