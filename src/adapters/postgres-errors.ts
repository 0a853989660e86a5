import { DatabaseError } from 'pg';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import { describeConnection, type Connection } from './connection.ts';

/**
 * SQLSTATE (or its class, the first two characters) to the code of maint.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SQLSTATES: Readonly<Record<string, ErrorCode>> = {
  '28': 'DATABASE_LOGIN_REFUSED',
  '3D000': 'DATABASE_NOT_FOUND',
  '53300': 'DATABASE_BUSY',
  '57P03': 'DATABASE_BUSY',
  '53100': 'NO_SPACE',
  '08': 'CONNECTION_LOST',
  '57P01': 'CONNECTION_LOST',
  '57P02': 'CONNECTION_LOST',
  '57P05': 'CONNECTION_LOST',
  '25P03': 'CONNECTION_LOST',
  '42501': 'PERMISSION_MISSING',
  '25006': 'READ_ONLY',
  '55P03': 'LOCK_TIMED_OUT',
  '40P01': 'LOCK_TIMED_OUT',
  '57014': 'STATEMENT_TIMED_OUT',
};

/** Codes of Node's sockets and resolver, to the code of maint. */
const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'DATABASE_UNREACHABLE',
  ENOTFOUND: 'DATABASE_UNREACHABLE',
  EAI_AGAIN: 'DATABASE_UNREACHABLE',
  ENOENT: 'DATABASE_UNREACHABLE',
  EACCES: 'DATABASE_UNREACHABLE',
  EHOSTUNREACH: 'DATABASE_UNREACHABLE',
  ENETUNREACH: 'DATABASE_UNREACHABLE',
  ETIMEDOUT: 'DATABASE_UNREACHABLE',
  ECONNRESET: 'CONNECTION_LOST',
  EPIPE: 'CONNECTION_LOST',
};

/** What the commonest of them mean to a person at night. */
const IN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server listens there (connection refused)',
  ENOENT: 'no server listens there (its socket does not exist)',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the host did not answer in time',
  ECONNRESET: 'the server cut the connection',
};

/**
 * Translates what the driver threw.
 * @param error anything
 * @param connection named in the message, without its password
 * @param connecting true while no session stood yet: then a dropped connection means that the server cannot be reached
 * @returns a MaintError with the original as its cause; an error that is no driver's comes back unchanged
 */
export function translatePostgresError(error: unknown, connection: Connection, connecting: boolean): unknown {
  if (error instanceof MaintError) return error;
  const where = describeConnection(connection);
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    const code = SQLSTATES[state] ?? SQLSTATES[state.slice(0, 2)] ?? 'STATEMENT_FAILED';
    return new MaintError(code, `${where}: ${error.message} (${state})`, {
      cause: error,
      ...(error.hint && code === 'STATEMENT_FAILED' ? { hint: error.hint } : {}),
    });
  }
  if (!(error instanceof Error)) return error;
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = SYSTEM_CODES[systemCode(first)];
  if (code !== undefined) {
    const shown = connecting ? 'DATABASE_UNREACHABLE' : code;
    return new MaintError(shown, `${where}: ${IN_WORDS[systemCode(first)] ?? messageOf(first)}`, { cause: error });
  }
  if (/timeout|terminated|not queryable|closed|ssl/i.test(error.message)) {
    const code = connecting ? 'DATABASE_UNREACHABLE' : 'CONNECTION_LOST';
    return new MaintError(code, `${where}: ${lowerFirst(error.message)}`, { cause: error });
  }
  return error;
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? lowerFirst(error.message) : String(error);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
