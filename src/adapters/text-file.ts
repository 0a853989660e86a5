import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
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
      writeSync(file, Buffer.from(text));
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
