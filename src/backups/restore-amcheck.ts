import type { ClientPrograms } from '../adapters/client-programs.ts';
import { lastLines, runProgramToEnd } from '../adapters/programs.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { RestoreFinding } from './restore-checks.ts';
import { throwIfUnfit } from './restore-unfit.ts';

const AMCHECK_TIMEOUT_MS = 6 * 60 * 60_000;
/** pg_amcheck looked at everything and found something, as against could not look. */
const CORRUPT = 2;

/**
 * Lets pg_amcheck look at every page of every table and at every B-tree index.
 * @param program absolute path of pg_amcheck
 * @throws MaintError when it could not look, also where it lost the server on the way, which it counts as a finding
 * @see https://www.postgresql.org/docs/current/app-pgamcheck.html
 */
export async function amcheck(
  program: string,
  environment: ClientPrograms['environment'],
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  const { exitCode, stdout, stderr } = await runProgramToEnd({
    file: program,
    args: ['--install-missing', '--no-password'],
    env: environment,
    timeoutMs: AMCHECK_TIMEOUT_MS,
    signal,
  });
  if (exitCode === 0) return [];
  throwIfUnfit(`${stdout}\n${stderr}`, 'the restored database');
  if (exitCode !== CORRUPT)
    throw new MaintError('RESTORE_INCONCLUSIVE', `pg_amcheck ended with exit code ${exitCode}: ${lastLines(stderr)}`);
  const [first = lastLines(stderr)] = stdout.split('\n').filter((line) => line.trim() !== '');
  return [{ detail: 'restore.amcheck', message: `pg_amcheck: ${printable(first).trim()}` }];
}
