import {
  closeSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { MaintError } from '../base/errors.ts';

/** Where a log goes, and how much of it is kept. */
export interface LogFileRequest {
  readonly directory: string;
  /** From this size on the file is put aside and a new one begun. */
  readonly maxBytes?: number;
  /** How many files there may be, the current one counted. */
  readonly files?: number;
}

/** A file of lines that never grows without limit: `maint.log`, before it `maint.log.1`, and so on. */
export interface LogFile extends Disposable {
  /** Appends at once, so that a killed program has said what it did. Never throws. */
  write(text: string): void;
  /** Why lines are being lost; undefined while all is well. */
  problem(): MaintError | undefined;
}

const NAME = 'maint.log';

/**
 * Opens the log of a state directory; two runs may share it.
 * @throws MaintError FILE_UNUSABLE when it cannot be created or written
 */
export function openLogFile({ directory, maxBytes = 10 * 2 ** 20, files = 14 }: LogFileRequest): LogFile {
  const path = join(directory, NAME);
  let file = obliged(path, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return open(path);
  });
  let problem: MaintError | undefined;

  const append = (text: string): void => {
    if (sizeBytes(file) + Buffer.byteLength(text) > maxBytes) {
      // Another run may have put the file aside already; then its successor is the one to go on with.
      if (isCurrent(file, path)) rotate(path, files);
      const next = open(path);
      closeSync(file);
      file = next;
    }
    writeSync(file, text);
  };
  return {
    write(text) {
      try {
        append(text);
      } catch (cause) {
        problem ??= unusable(path, cause);
      }
    },
    problem: () => problem,
    [Symbol.dispose]: () => closeSync(file),
  };
}

function open(path: string): number {
  const file = openSync(path, 'a', 0o600);
  const stats = fstatSync(file);
  if (stats.isFile() && (stats.mode & 0o077) !== 0) fchmodSync(file, 0o600);
  return file;
}

function sizeBytes(file: number): number {
  return fstatSync(file).size;
}

function isCurrent(file: number, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(file).ino;
}

function rotate(path: string, files: number): void {
  rmSync(numbered(path, files - 1), { force: true });
  for (let number = files - 2; number >= 0; number -= 1) {
    const isThere = statSync(numbered(path, number), { throwIfNoEntry: false }) !== undefined;
    if (isThere) renameSync(numbered(path, number), numbered(path, number + 1));
  }
}

function numbered(path: string, number: number): string {
  return number === 0 ? path : `${path}.${number}`;
}

function obliged<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): MaintError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MaintError('FILE_UNUSABLE', `the log ${path} cannot be written: ${why}`, { cause });
}
