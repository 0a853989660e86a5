import { MaintError } from '../base/errors.ts';
import { runProgram } from './programs.ts';

const TIMEOUT_MS = 30 * 60_000;

/**
 * Flushes the whole file system that holds a path: for thousands of small files that takes a fraction of the time of
 * flushing each. Where the program cannot do that for one, it does it for all.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED, TIMED_OUT
 * @see https://www.gnu.org/software/coreutils/sync
 */
export async function flushDisk(path: string): Promise<void> {
  try {
    await runProgram({ file: 'sync', args: ['--file-system', path], timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'PROGRAM_FAILED') throw error;
    await runProgram({ file: 'sync', args: [], timeoutMs: TIMEOUT_MS });
  }
}
