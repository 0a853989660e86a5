import { diskUsage } from '../adapters/disk.ts';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { GateLimits } from './settings.ts';

/** Why batches wait. */
export type GateName = 'sessions waiting' | 'replica lag' | 'free space';

/** What the gates look at. */
export interface Readings {
  /** Sessions that wait for a lock on the table. */
  readonly waiting: number;
  /** What the furthest replica has still to replay; 0 without replicas. */
  readonly lagBytes: number;
  /** On the disk of the database; undefined where it lies on another host or out of sight. */
  readonly freeBytes: number | undefined;
}

/** Once a gate has closed, a margin keeps it from opening and closing in turn. */
const REOPEN_LAG = 0.5;
const REOPEN_SPACE = 1.25;

/**
 * Which gates are closed.
 * @param closed those that were closed before
 */
export function closedGates(
  { waiting, lagBytes, freeBytes }: Readings,
  closed: ReadonlySet<GateName>,
  { maxReplicaLag, minFreeSpace }: Omit<GateLimits, 'patience'>,
): ReadonlySet<GateName> {
  const lagLimit = maxReplicaLag * (closed.has('replica lag') ? REOPEN_LAG : 1);
  const spaceLimit = minFreeSpace * (closed.has('free space') ? REOPEN_SPACE : 1);
  const gates = new Set<GateName>();
  if (waiting > 0) gates.add('sessions waiting');
  if (lagBytes > lagLimit) gates.add('replica lag');
  if (freeBytes !== undefined && freeBytes < spaceLimit) gates.add('free space');
  return gates;
}

/** Takes the readings of one table. */
export type ReadGates = (database: Reader, oid: string) => Promise<Readings>;

/** Finds out once where the database keeps its data, and answers with what takes the readings. */
export async function gateReader(database: Reader): Promise<ReadGates> {
  const directory = await visibleDirectory(database);
  return async (session, oid) => {
    const [row] = await session.rows(readingsOf(oid));
    const usage = directory === undefined ? undefined : await diskUsage(directory);
    return { waiting: row?.waiting ?? 0, lagBytes: row?.lagBytes ?? 0, freeBytes: usage?.freeBytes };
  };
}

async function visibleDirectory(database: Reader): Promise<string | undefined> {
  try {
    const [row] = await database.rows(DATA_DIRECTORY);
    if (row === undefined || row.directory === null) return undefined;
    await diskUsage(row.directory);
    return row.directory;
  } catch (error) {
    // The setting is closed to most roles, and a tunnel can make a far server look near: then nobody can look.
    if (error instanceof MaintError && (error.code === 'FILE_UNUSABLE' || error.code === 'PERMISSION_MISSING'))
      return undefined;
    throw error;
  }
}

// Both addresses are null over a Unix socket, and equal over a connection inside one machine.
const DATA_DIRECTORY = sql<{ directory: string | null }>`
  SELECT current_setting('data_directory', true) AS directory
   WHERE inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()`;

const readingsOf = (oid: string) => sql<{ waiting: number; lagBytes: number }>`
  SELECT (SELECT count(*)::int FROM pg_locks 
           WHERE NOT granted AND relation = ${oid}::oid
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS waiting,
         (SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)::float8
            FROM pg_stat_replication WHERE state IN ('streaming', 'catchup')) AS "lagBytes"`;
