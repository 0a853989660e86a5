import type { Connection } from '../adapters/connection.ts';
import { openSession, type Session, type SessionLimits } from '../adapters/postgres.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';

/** A server that is restored onto. */
interface Target {
  readonly connection: Connection;
  readonly limits: SessionLimits;
}

type Mode = 'read-only' | 'read-write';

/** Where one connects to make databases, in this order. */
const MAINTENANCE_DATABASES = ['postgres', 'template1'];
const UNUSABLE: ReadonlySet<ErrorCode> = new Set([
  'DATABASE_NOT_FOUND',
  'DATABASE_LOGIN_REFUSED',
  'PERMISSION_MISSING',
]);

/**
 * Connects to a database of the server that is not the one in question, which may be gone.
 * @throws MaintError when the server cannot be reached
 */
export async function openMaintenance(target: Target, mode: Mode): Promise<Session> {
  for (const name of MAINTENANCE_DATABASES) {
    const session = openDatabase(target, name, mode);
    try {
      await session.server();
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      if (!(error instanceof MaintError) || !UNUSABLE.has(error.code)) throw error;
    }
  }
  return openDatabase(target, target.connection.database, mode);
}

const ANALYZE_TIMEOUT_MS = 24 * 60 * 60_000;

/** A session in one of the server's databases; connects at its first use. */
export function openDatabase({ connection, limits }: Target, database: string, mode: Mode): Session {
  return openSession({
    connection: { ...connection, database },
    mode,
    limits: { ...limits, statementTimeoutMs: ANALYZE_TIMEOUT_MS },
    applicationName: 'maint/restore',
  });
}
