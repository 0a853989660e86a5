import { accessSync, constants, existsSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { MaintError } from '../base/errors.ts';

/**
 * Makes a folder that only its owner can enter, with its parents, where it is missing.
 * @throws MaintError STATE_UNUSABLE when that is not possible
 */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new MaintError('STATE_UNUSABLE', `${path} cannot be made: ${said}`, { cause });
  }
}

/** Can the current user write to this folder? False where it does not exist. */
export function isWritableDirectory(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Is there a file at this path? False also where the way to it is closed. */
export function isFile(path: string): boolean {
  return entry(path)?.isFile() ?? false;
}

/** Is there a folder at this path? False also where the way to it is closed. */
export function isDirectory(path: string): boolean {
  return entry(path)?.isDirectory() ?? false;
}

function entry(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
