import type { ClientPrograms } from '../adapters/client-programs.ts';
import { runProgram } from '../adapters/programs.ts';
import { MaintError } from '../base/errors.ts';
import type { RestoreFinding } from './restore-checks.ts';

const AMCHECK_TIMEOUT_MS = 6 * 60 * 60_000;
/** Exit code of pg_amcheck that found something, as against one that could not look. */
const CORRUPT = /exit code 2/;

/**
 * Lets pg_amcheck look at every page of every table and at every B-tree index.
 * @param program absolute path of pg_amcheck
 * @throws MaintError when it could not look
 * @see https://www.postgresql.org/docs/current/app-pgamcheck.html
 */
export async function amcheck(
  program: string,
  environment: ClientPrograms['environment'],
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  try {
    await runProgram({
      file: program,
      args: ['--install-missing', '--no-password'],
      env: environment,
      timeoutMs: AMCHECK_TIMEOUT_MS,
      signal,
    });
    return [];
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'PROGRAM_FAILED') throw error;
    if (!CORRUPT.test(error.message)) throw new MaintError('RESTORE_INCONCLUSIVE', error.message, { cause: error });
    return [{ detail: 'restore.amcheck', message: error.message }];
  }
}
