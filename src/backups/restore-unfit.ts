import { lastLines } from '../adapters/programs.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

interface Unfit {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint: string;
}

/** What pg_restore says when the server is unfit for the dump, which proves nothing about the dump. */
const UNFIT: readonly Unfit[] = [
  {
    pattern: /extension ".*" is not available|extension control file|shared_preload_libraries|could not access file "/i,
    code: 'PROGRAM_MISSING',
    detail: 'restore.extension_missing',
    hint: 'Install the package of the extension for this version of PostgreSQL, and run it again.',
  },
  {
    pattern: /No space left on device|could not extend file/i,
    code: 'FILE_UNUSABLE',
    detail: 'restore.no_space',
    hint: 'Free some space where the data of the server lies; a restored database takes several times its backup.',
  },
  {
    pattern:
      /server closed the connection|connection to server .* failed|terminating connection|the database system is|no connection to the server|could not (?:send data to|receive data from) server|connection reset by peer/i,
    code: 'CONNECTION_LOST',
    detail: 'restore.server_lost',
    hint: 'Look into the log of the server, and run it again.',
  },
  {
    pattern: /unsupported version \(|in file header/i,
    code: 'PROGRAM_TOO_OLD',
    detail: 'restore.client_too_old',
    hint: 'Install the client package of the version that made the dump.',
  },
  {
    pattern: /collation .* does not exist/i,
    code: 'RESTORE_INCONCLUSIVE',
    detail: 'restore.collation_missing',
    hint: 'Install the locales of the old server on this machine.',
  },
  {
    pattern: /permission denied|must be (owner|superuser|member)/i,
    code: 'PERMISSION_MISSING',
    detail: 'restore.permission',
    hint: 'Restore as a superuser, or as a role with the rights that the message names.',
  },
];

/**
 * Tells an unfit server from a bad dump.
 * @param stderr what pg_restore said
 * @throws MaintError where it is the server
 */
export function throwIfUnfit(stderr: string, database: string): void {
  // A worker that failed says why before the first process says that it is gone; one that was killed says nothing.
  if (firstError(stderr).endsWith(': a worker process died unexpectedly'))
    throw new MaintError(
      'PROGRAM_FAILED',
      `${database} could not be restored here: a process of pg_restore was killed`,
      {
        detail: 'stage_failed.pg_restore',
        hint: 'Look for who did it, such as the system for want of memory (dmesg), and run it again.',
      },
    );
  const unfit = UNFIT.find(({ pattern }) => pattern.test(stderr));
  if (unfit === undefined) return;
  const { code, detail, hint } = unfit;
  throw new MaintError(code, `${database} could not be restored here: ${firstError(stderr)}`, { detail, hint });
}

/** The line that says why: what comes after it is the statement, and what follows from the failure. */
export function firstError(stderr: string): string {
  const line = stderr.split('\n').find((each) => /\b(error|fatal):/i.test(each));
  return line === undefined ? lastLines(stderr) : printable(line).trim();
}
