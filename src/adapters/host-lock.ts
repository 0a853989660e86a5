import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { MaintError } from '../base/errors.ts';

/** What flock(1) answers when somebody else holds the lock; our choice by its flag -E. */
const BUSY = 75;
const TIMEOUT_MS = 10_000;

/**
 * Takes an exclusive flock(2) on a directory, without waiting. The lock lives on the open file description, so the kernel
 * gives it back when this process ends in whatever way, kill -9 included; nothing is written, so it works on a full or
 * read-only disk too. Node has no flock, but util-linux's program can lock the description that it inherits.
 * @param directory any existing directory that the current user can read
 * @returns the lock, released when disposed; undefined when another process holds it
 * @throws MaintError FILE_UNUSABLE when the directory cannot be opened, PROGRAM_MISSING when there is no flock program
 * @see https://man7.org/linux/man-pages/man2/flock.2.html
 */
export function takeHostLock(directory: string): Disposable | undefined {
  const descriptor = open(directory);
  const release = { [Symbol.dispose]: () => closeSync(descriptor) };
  const { status, error } = spawnSync('flock', ['--nonblock', '--conflict-exit-code', String(BUSY), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    timeout: TIMEOUT_MS,
  });
  if (status === 0) return release;
  release[Symbol.dispose]();
  if (status === BUSY) return undefined;
  throw new MaintError('PROGRAM_MISSING', 'flock could not be run', {
    hint: 'Install util-linux; without it two runs on this host cannot be kept apart.',
    cause: error,
  });
}

function open(directory: string): number {
  try {
    return openSync(directory, 'r');
  } catch (cause) {
    throw new MaintError('FILE_UNUSABLE', `the directory ${directory} cannot be opened for locking`, { cause });
  }
}
