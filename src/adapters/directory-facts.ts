import { constants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What can be said of a directory without touching it. */
export interface DirectoryFacts {
  readonly exists: boolean;
  /** The path itself, or the nearest one above it that exists. */
  readonly nearest: string;
  /** Permission bits, such as 0o700; undefined where it does not exist. */
  readonly mode: number | undefined;
  /** Two paths with the same number fill the same filesystem. */
  readonly device: number;
  /** Why it could not be used, or made, by the current user; undefined where it could. */
  readonly obstacle: string | undefined;
}

/** Looks whether the current user could use a directory, or make it where it is missing. Writes nothing. */
export async function directoryFacts(path: string): Promise<DirectoryFacts> {
  const { nearest, found } = await nearestOf(path);
  const exists = nearest === path;
  const facts = { exists, nearest, mode: exists ? found.mode & 0o777 : undefined, device: found.dev };
  if (!found.isDirectory()) return { ...facts, obstacle: `${nearest} is no directory` };
  const code = await access(nearest, constants.W_OK | constants.X_OK).then(() => undefined, codeOf);
  return { ...facts, obstacle: code === undefined ? undefined : `${nearest} cannot be written (${code})` };
}

async function nearestOf(path: string): Promise<{ readonly nearest: string; readonly found: Stats }> {
  const found = await stat(path).catch(codeOf);
  if (typeof found !== 'string') return { nearest: path, found };
  return nearestOf(dirname(path));
}

/** A path that is missing, or closed to us, is judged by what lies above it. The root directory always answers. */
function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}
