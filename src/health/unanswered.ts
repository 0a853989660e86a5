import { MaintError, type ErrorCode } from '../base/errors.ts';

/** What connecting and a trivial query can meet when the database does not answer. */
const CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABASE_UNREACHABLE',
  'DATABASE_LOGIN_REFUSED',
  'DATABASE_NOT_FOUND',
  'DATABASE_BUSY',
  'CONNECTION_LOST',
  'PERMISSION_MISSING',
  'STATEMENT_TIMED_OUT',
  'STATEMENT_FAILED',
  'NO_SPACE',
]);

/** Does this error say that the database gives no answer, as opposed to a bug or a stopped run? */
export function isUnanswered(error: unknown): error is MaintError {
  return error instanceof MaintError && CODES.has(error.code);
}

/** Does this error say that the next question would get no answer either? */
export function isOutOfReach(error: unknown): boolean {
  return error instanceof MaintError && (error.code === 'CONNECTION_LOST' || error.code === 'DATABASE_UNREACHABLE');
}
