import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { MaintError } from '../base/errors.ts';

/**
 * Writes a text file so that a reader sees the old one or the whole new one: partial name, flush, rename.
 * @param mode 0600 unless the file is meant for others
 * @throws MaintError FILE_UNUSABLE that names the path, NO_SPACE when the disk is full
 */
export function writeTextFile(path: string, text: string | Uint8Array, mode = 0o600): void {
  const partial = `${path}.partial`;
  try {
    const file = openSync(partial, 'w', mode);
    try {
      chmodSync(partial, mode);
      // Not writeSync: on a disk that fills up it writes a part and calls that success.
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (cause) {
    rmSync(partial, { force: true });
    const said = cause instanceof Error ? cause.message : String(cause);
    const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
    throw new MaintError(isFull ? 'NO_SPACE' : 'FILE_UNUSABLE', `${path} cannot be written: ${said}`, { cause });
  }
}

/** What file systems say that know no second name for a file: FAT, exFAT, many a mount of a NAS. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);

/**
 * Writes a text file under a name that nobody has taken yet: it appears whole or not at all. Where the file system has no
 * links, a kill may leave a part of it.
 * @returns false where the name is taken, and then nothing was changed
 * @throws MaintError FILE_UNUSABLE that names the path, NO_SPACE when the disk is full
 */
export function createTextFile(path: string, text: string): boolean {
  const whole = `${path}.${randomUUID()}`;
  writeTextFile(whole, text);
  try {
    linkSync(whole, path);
    return true;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    if (code === 'EEXIST') return false;
    if (WITHOUT_LINKS.has(code)) return createInPlace(path, text);
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new MaintError('FILE_UNUSABLE', `${path} cannot be written: ${said}`, { cause });
  } finally {
    rmSync(whole, { force: true });
  }
}

function createInPlace(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600, flush: true });
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new MaintError('FILE_UNUSABLE', `${path} cannot be written: ${said}`, { cause });
  }
}
