import type { Database, SessionLimits, Snapshot } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';

/** So often a second session is asked which process serves it, before it is believed to have one of its own. */
const LOOKS = 3;

/**
 * Opens the snapshot of a dump, unless a pooler hands out the connections of the server for one transaction each. There
 * pg_dump would scatter its settings over the sessions of the application and leave them there: with an empty
 * search_path the application finds its tables no longer.
 * @throws MaintError DATABASE_POOLED where that is so
 */
export async function openOwnSnapshot(database: Database, limits: Partial<SessionLimits>): Promise<Snapshot> {
  const { isPooled } = await database.server();
  const before = isPooled ? await backendOf(database) : undefined;
  const snapshot = await database.snapshot(limits);
  try {
    if (before !== undefined && (await isShared(before, database, snapshot))) throw pooled(database);
    return snapshot;
  } catch (error) {
    await snapshot[Symbol.asyncDispose]();
    throw error;
  }
}

/** Does a process that has served one session serve another, or several the same one? */
async function isShared(before: number, database: Database, snapshot: Snapshot): Promise<boolean> {
  if ((await backendOf(snapshot)) === before) return true;
  for (let look = 0; look < LOOKS; look += 1) if ((await backendOf(database)) !== before) return true;
  return false;
}

async function backendOf(session: Pick<Snapshot, 'rows'>): Promise<number | undefined> {
  const [row] = await session.rows(sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`);
  return row?.pid;
}

function pooled({ name }: Database): MaintError {
  return new MaintError(
    'DATABASE_POOLED',
    `${name} is a connection pooler in transaction mode: pg_dump would leave its settings, such as an empty ` +
      'search_path, in the sessions of the application',
  );
}
