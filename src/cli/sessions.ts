import { openSession, type Session } from '../adapters/postgres.ts';
import { requireDatabase, type Config } from '../config/config.ts';

/** The sessions of one run, each connecting at its first use. */
export interface Sessions extends AsyncDisposable {
  readonly reader: Session;
  readonly writer: Session;
  /** For the lease alone, whose heartbeats must not queue behind a long statement; undefined where it is switched off. */
  readonly coordination: Session | undefined;
}

/** @param applicationName shown in pg_stat_activity */
export function openSessions(config: Config, applicationName: string): Sessions {
  const { connection, limits, coordination } = config.database;
  const open = (mode: 'read-only' | 'read-write'): Session =>
    connection === undefined ? absentSession(config) : openSession({ connection, mode, limits, applicationName });
  const sessions = {
    reader: open('read-only'),
    writer: open('read-write'),
    coordination: connection === undefined || coordination === 'off' ? undefined : open('read-write'),
  };
  return {
    ...sessions,
    [Symbol.asyncDispose]: async () => {
      await sessions.coordination?.[Symbol.asyncDispose]();
      await sessions.writer[Symbol.asyncDispose]();
      await sessions.reader[Symbol.asyncDispose]();
    },
  };
}

/** Stands in where no database is named: every use says so. */
function absentSession(config: Config): Session {
  const refuse = async (): Promise<never> => {
    requireDatabase(config);
    throw new Error('a session was made absent although a database is named');
  };
  const database = {
    name: 'no database',
    server: refuse,
    rows: refuse,
    run: refuse,
    transaction: refuse,
    command: refuse,
    snapshot: refuse,
  };
  return { ...database, within: () => database, [Symbol.asyncDispose]: async () => undefined };
}
