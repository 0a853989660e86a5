/** What one error code means: the exit code it leads to when it ends a run, and what to do about it. */
interface ErrorMeaning {
  /** Exit code when the error ends the whole invocation, or decides its verdict (docs/design.md section 5). */
  readonly exitCode: 1 | 2 | 3 | 4;
  /** One sentence for the reference. */
  readonly meaning: string;
  /** What to do next, used when the error itself brings no better hint. */
  readonly hint: string;
}

/** Every code that maint can answer with. Codes are never renamed: scripts and runbooks rely on them. */
export const ERRORS = {
  USAGE: {
    exitCode: 2,
    meaning: 'the command line was not understood',
    hint: 'Run `maint --help` for the commands and flags.',
  },
  CONFIG_NOT_FOUND: {
    exitCode: 2,
    meaning: 'the named configuration file does not exist, or no database was named anywhere',
    hint: 'Set DATABASE_URL, or write a file with `maint init`.',
  },
  CONFIG_INVALID: {
    exitCode: 2,
    meaning: 'the configuration has a mistake',
    hint: 'Run `maint config check` after the change.',
  },
  SECRET_UNAVAILABLE: {
    exitCode: 2,
    meaning: 'a secret named in the configuration could not be read',
    hint: 'Check that the variable is set, the file readable or the command working for the user that runs maint.',
  },
  NODE_TOO_OLD: {
    exitCode: 2,
    meaning: 'the running Node.js is older than maint supports',
    hint: 'Install Node.js 22.18 or newer.',
  },
  LOCKED: {
    exitCode: 3,
    meaning: 'another run holds the lock',
    hint: 'Wait until it ends; `maint status` shows what is running.',
  },
  SLOT_DONE: {
    exitCode: 3,
    meaning: 'this scheduled slot was already done',
    hint: 'Nothing to do; without --cron and --slot it runs all the same.',
  },
  DATABASE_UNREACHABLE: {
    exitCode: 4,
    meaning: 'no PostgreSQL server answered at the address',
    hint: 'Check that the server runs, and that host and port in the database URL are right.',
  },
  DATABASE_LOGIN_REFUSED: {
    exitCode: 4,
    meaning: 'the server refused the user or the password',
    hint: 'Check user and password in the database URL, and pg_hba.conf on the server.',
  },
  DATABASE_NOT_FOUND: {
    exitCode: 4,
    meaning: 'the server has no database of that name',
    hint: 'Check the database name at the end of the database URL; `psql -l` lists what is there.',
  },
  DATABASE_BUSY: {
    exitCode: 4,
    meaning: 'the server has no connection left, or is starting or stopping',
    hint: 'Look for leaked connections with `maint health`, or wait until the server has started.',
  },
  DATABASE_POOLED: {
    exitCode: 1,
    meaning: 'a connection pooler stands in between where the server itself is needed',
    hint: 'Name the server itself in the database URL, most often port 5432 in place of 6432.',
  },
  CONNECTION_LOST: {
    exitCode: 4,
    meaning: 'the connection to the server broke off',
    hint: 'Look into the server log: a restart, a terminated session or a network cut ends connections.',
  },
  PERMISSION_MISSING: {
    exitCode: 4,
    meaning: 'the database role lacks a right',
    hint: 'Grant the right that the message names to the role in the database URL.',
  },
  READ_ONLY: {
    exitCode: 4,
    meaning: 'a write was refused because the session or the server is read-only',
    hint: 'A dry run and a standby never write: run on the primary, without --dry-run.',
  },
  LOCK_TIMED_OUT: {
    exitCode: 4,
    meaning: 'another session held a database lock for too long',
    hint: 'Find it in pg_stat_activity, or run again at a quieter hour.',
  },
  STATEMENT_TIMED_OUT: {
    exitCode: 4,
    meaning: 'a database statement took longer than its limit',
    hint: 'Raise database.statementTimeout, for health tasks.health.statementTimeout, or run again at a quieter hour.',
  },
  STATEMENT_FAILED: {
    exitCode: 4,
    meaning: 'the server refused a statement',
    hint: 'The message names what the server said; check the server version and the schema.',
  },
  PROGRAM_MISSING: {
    exitCode: 4,
    meaning: 'a needed program is not installed, or not on the PATH',
    hint: 'Install it; cron starts with a short PATH, so set programs.directories if it lies elsewhere.',
  },
  PROGRAM_TOO_OLD: {
    exitCode: 4,
    meaning: 'a client program is older than the server it would talk to',
    hint: 'Install the client package of the server version.',
  },
  PROGRAM_FAILED: {
    exitCode: 1,
    meaning: 'a program ended with an error',
    hint: 'The message carries what the program said.',
  },
  TIMED_OUT: {
    exitCode: 4,
    meaning: 'a step did not end within its deadline',
    hint: 'Raise the deadline of the task in the configuration, or find out what holds it up.',
  },
  NO_SPACE: {
    exitCode: 1,
    meaning: 'the disk is full, or too full for what was planned',
    hint: 'Free some space, or move the directory to a larger disk.',
  },
  FILE_UNUSABLE: {
    exitCode: 4,
    meaning: 'a file or directory cannot be read or written',
    hint: 'Check owner and mode of the path that the message names.',
  },
  STORE_UNREACHABLE: {
    exitCode: 4,
    meaning: 'the place of a copy did not answer',
    hint: 'Check its address under backups.copies, and that this host may reach it.',
  },
  STORE_REFUSED: {
    exitCode: 4,
    meaning: 'the place of a copy answered with a refusal',
    hint: 'Check the credentials and rights of the copy under backups.copies.',
  },
  KEY_MISSING: {
    exitCode: 4,
    meaning: 'something is encrypted, and no key of this host opens it',
    hint: 'Give backups.encryption.identity on a host that may read backups.',
  },
  HTTP_FAILED: {
    exitCode: 4,
    meaning: 'an HTTP request got no answer, or an unusable one',
    hint: 'Check the address, and that this host may reach it.',
  },
  MAIL_FAILED: {
    exitCode: 4,
    meaning: 'a mail server gave no answer, or no encrypted connection',
    hint: 'Check the address of the mail server, its certificate, and that this host may reach it.',
  },
  HOST_UNREACHABLE: {
    exitCode: 4,
    meaning: 'no answer, or an unusable one, came from a host and port, or from a name server',
    hint: 'Check host and port, that the service runs, and that this host may reach it.',
  },
  TLS_FAILED: {
    exitCode: 4,
    meaning: 'no TLS connection could be made to look at a certificate',
    hint: 'Check host and port, that the server runs, and that this host may reach it.',
  },
  STATE_UNUSABLE: {
    exitCode: 4,
    meaning: 'the state directory or its journal cannot be used',
    hint: 'Make the state directory writable for the user that runs maint, or name another with --state.',
  },
  RESTORE_INCONCLUSIVE: {
    exitCode: 4,
    meaning: 'a backup could not be tried out, so it is neither proven nor refuted',
    hint: 'Mend what the message names, and run it again; the backup itself was not judged.',
  },
  CRONTAB_EDITED: {
    exitCode: 1,
    meaning: 'the block of maint in the crontab is not as maint wrote it',
    hint: 'Look at it with `crontab -l`; --force writes over it.',
  },
  CANCELLED: {
    exitCode: 1,
    meaning: 'the run was stopped by a signal',
    hint: 'Run it again; what was finished is in the report.',
  },
  ALERT_UNDELIVERED: {
    exitCode: 1,
    meaning: 'no channel took an alert',
    hint: 'Run `maint alerts test`; the alert is kept and sent again with the next run.',
  },
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

/** A name from the table of errors. */
export type ErrorCode = keyof typeof ERRORS;

interface ErrorDetails {
  /** A sentence that says what to do next; the table's own hint where left out. */
  readonly hint?: string;
  /** What to run, one command or statement each, in the words of the hint. */
  readonly commands?: readonly string[];
  /** The error underneath, kept for the log. */
  readonly cause?: unknown;
  /** A finer dotted name for programs, such as `verify.rows_mismatch`. */
  readonly detail?: string;
}

/** An expected obstacle: it has a code, a message that names the thing, and a hint that says what to do next. */
export class MaintError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly commands: readonly string[];
  readonly detail: string | undefined;

  /**
   * @param code a name from the table; decides the exit code
   * @param message lower case, no full stop, names the thing
   * @param details hint with its commands, cause and dotted detail
   */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : {});
    this.name = 'MaintError';
    this.code = code;
    this.hint = details.hint ?? ERRORS[code].hint;
    this.commands = details.commands ?? [];
    this.detail = details.detail;
  }

  /** The exit code when this error ends the invocation. */
  get exitCode(): 1 | 2 | 3 | 4 {
    return ERRORS[this.code].exitCode;
  }
}
