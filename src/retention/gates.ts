import { diskUsage } from '../adapters/disk.ts';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import type { GateLimits } from './settings.ts';

/** Why batches wait. */
export type GateName =
  | 'sessions waiting'
  | 'replica lag'
  | 'replication slots'
  | 'load'
  | 'wraparound vacuum'
  | 'free space';

/** What the gates look at. */
export interface Readings {
  /** Sessions that wait for a lock on the table. */
  readonly waiting: number;
  /** What the furthest replica has still to replay; 0 without replicas. */
  readonly lagBytes: number;
  /** Replicas that follow, as far as the role sees them. */
  readonly replicas: number;
  /** The most WAL that a slot holds back; 0 without slots. */
  readonly slotBytes: number;
  /** A slot is about to lose the WAL that it needs. */
  readonly isSlotAtRisk: boolean;
  /** Sessions that are at work, this one apart. */
  readonly active: number;
  /** The server vacuums the table lest its transaction ids run out. */
  readonly isSavingIds: boolean;
  /** On the disk of the database; undefined where it lies on another host or out of sight. */
  readonly freeBytes: number | undefined;
  /** How much WAL the server has written since it was made. */
  readonly walBytes: number;
}

/** When each gate closes. */
export interface GateMarks extends Omit<GateLimits, 'patience' | 'maxActive'> {
  readonly maxActive: number;
}

/** Once a gate has closed, a margin keeps it from opening and closing in turn. */
const REOPEN = 0.5;
const REOPEN_SPACE = 1.25;

/** What was before the readings. */
export interface Earlier {
  /** The gates that were closed then. */
  readonly closed: ReadonlySet<GateName>;
  /** WAL of the last batch: the next one writes up to twice as much. */
  readonly batchWalBytes: number;
}

/** Which gates are closed. A batch is let through only where a replica would not be too far behind after it, either. */
export function closedGates(
  { waiting, lagBytes, slotBytes, isSlotAtRisk, active, isSavingIds, freeBytes }: Readings,
  { closed, batchWalBytes }: Earlier,
  { maxReplicaLag, maxSlotLag, maxActive, minFreeSpace }: GateMarks,
): ReadonlySet<GateName> {
  const limit = (gate: GateName, most: number): number => most * (closed.has(gate) ? REOPEN : 1);
  const spaceLimit = minFreeSpace * (closed.has('free space') ? REOPEN_SPACE : 1);
  const isClosed: Readonly<Record<GateName, boolean>> = {
    'sessions waiting': waiting > 0,
    'replica lag':
      lagBytes > limit('replica lag', maxReplicaLag) ||
      (lagBytes > maxReplicaLag * REOPEN && lagBytes + 2 * batchWalBytes > maxReplicaLag),
    'replication slots': isSlotAtRisk || slotBytes > limit('replication slots', maxSlotLag),
    load: active > limit('load', maxActive),
    'wraparound vacuum': isSavingIds,
    'free space': freeBytes !== undefined && freeBytes < spaceLimit,
  };
  return new Set(GATES.filter((gate) => isClosed[gate]));
}

const GATES: readonly GateName[] = [
  'sessions waiting',
  'replica lag',
  'replication slots',
  'load',
  'wraparound vacuum',
  'free space',
];

/** The gates of a run. */
export interface Gates {
  readonly marks: GateMarks;
  /** Takes the readings of one table. */
  read(database: Reader, oid: string): Promise<Readings>;
  /** One line for a dry run: what batches wait for, and what cannot be seen. */
  readonly words: string;
}

/** Finds out once where the database keeps its data and what the role may see. */
export async function openGates(database: Reader, limits: GateLimits): Promise<Gates> {
  const directories = await visibleDirectories(database);
  const [sight] = await database.rows(SIGHT);
  const { patience, ...given } = limits;
  const marks = { ...given, maxActive: limits.maxActive ?? Math.ceil((sight?.maxConnections ?? 100) / 2) };
  return {
    marks,
    words: wordsFor(marks, patience, { seesSessions: sight?.seesSessions ?? false, seesDisk: directories.length > 0 }),
    read: async (session, oid) => {
      const [row] = await session.rows(readingsOf(oid));
      if (row === undefined) throw new MaintError('STATEMENT_FAILED', 'the server did not say how busy it is');
      const free: number[] = [];
      for (const directory of directories) free.push((await diskUsage(directory)).freeBytes);
      return { ...row, freeBytes: free.length === 0 ? undefined : Math.min(...free) };
    },
  };
}

interface Sight {
  readonly seesSessions: boolean;
  readonly seesDisk: boolean;
}

function wordsFor(marks: GateMarks, patienceMs: number, { seesSessions, seesDisk }: Sight): string {
  const { maxReplicaLag, maxSlotLag, maxActive, minFreeSpace } = marks;
  const seen = [
    'sessions that wait for the table',
    ...(seesSessions ? [`a replica more than ${formatBytes(maxReplicaLag)} behind`] : []),
    `a slot that holds back more than ${formatBytes(maxSlotLag)}`,
    ...(seesSessions ? [`more than ${formatCount(maxActive)} sessions at work`, 'a vacuum against wraparound'] : []),
    ...(seesDisk ? [`a disk with less than ${formatBytes(minFreeSpace)} free`] : []),
  ];
  const unseen = [
    ...(seesSessions ? [] : ['replicas and sessions (GRANT pg_read_all_stats TO the role)']),
    ...(seesDisk ? [] : ['the disk of the database']),
  ];
  const blind = unseen.length === 0 ? '' : `; cannot see ${unseen.join(', nor ')}`;
  return `waits up to ${formatDuration(patienceMs)} for ${seen.join(', ')}${blind}`;
}

async function visibleDirectories(database: Reader): Promise<readonly string[]> {
  try {
    const [row] = await database.rows(DATA_DIRECTORY);
    if (row === undefined || row.directory === null) return [];
    // The WAL can have a disk of its own.
    const directories = [row.directory, `${row.directory}/pg_wal`];
    for (const directory of directories) await diskUsage(directory);
    return directories;
  } catch (error) {
    // The setting is closed to most roles, and a tunnel can make a far server look near: then nobody can look.
    if (error instanceof MaintError && (error.code === 'FILE_UNUSABLE' || error.code === 'PERMISSION_MISSING'))
      return [];
    throw error;
  }
}

// Both addresses are null over a Unix socket, and equal over a connection inside one machine.
const DATA_DIRECTORY = sql<{ directory: string | null }>`
  SELECT current_setting('data_directory', true) AS directory
   WHERE inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()`;

const SIGHT = sql<{ maxConnections: number; seesSessions: boolean }>`
  SELECT current_setting('max_connections')::int AS "maxConnections",
         pg_has_role('pg_read_all_stats', 'USAGE') AS "seesSessions"`;

// The views join owners and databases to these functions, which takes the planner four times as long, before every batch.
// A slot as JSON, for wal_status came with version 13; one that is lost holds nothing back any more.
const readingsOf = (oid: string) => sql<Omit<Readings, 'freeBytes'>>`
  WITH slot AS (
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS bytes, to_jsonb(s) ->> 'wal_status' AS status
      FROM pg_get_replication_slots() s),
  session AS MATERIALIZED (
    SELECT pid, backend_type AS type, state, query LIKE '%(to prevent wraparound)%' AS is_saving_ids
      FROM pg_stat_get_activity(NULL)),
  held AS MATERIALIZED (
    SELECT pid, granted FROM pg_lock_status()
     WHERE relation = ${oid}::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
  SELECT (SELECT count(*)::int FROM held WHERE NOT granted) AS waiting, replica.*,
         (SELECT coalesce(max(bytes), 0)::float8 FROM slot WHERE status IS DISTINCT FROM 'lost') AS "slotBytes",
         EXISTS (SELECT FROM slot WHERE status = 'unreserved') AS "isSlotAtRisk",
         (SELECT count(*)::int FROM session
           WHERE state = 'active' AND type = 'client backend' AND pid <> pg_backend_pid()) AS active,
         EXISTS (SELECT FROM held JOIN session USING (pid) WHERE type = 'autovacuum worker' AND is_saving_ids)
           AS "isSavingIds",
         pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS "walBytes"
    FROM (SELECT count(*)::int AS replicas,
                 coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))
                            FILTER (WHERE state IN ('streaming', 'catchup')), 0)::float8 AS "lagBytes"
            FROM pg_stat_get_wal_senders()) replica`;
