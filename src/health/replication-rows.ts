import { sql } from '../adapters/sql.ts';

/** A server that follows this one; what the role may not see is null. */
export interface ReplicaRow {
  readonly name: string;
  readonly address: string | null;
  /** `streaming`, `catchup`; null where hidden. */
  readonly state: string | null;
  readonly lagBytes: number | null;
  /** Null while nothing is written. */
  readonly lagMs: number | null;
}

/** A promise to keep write-ahead log until someone has fetched it. */
export interface SlotRow {
  readonly name: string;
  readonly isActive: boolean;
  readonly retainedBytes: number | null;
  /** Since version 13: `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string | null;
}

/** How far this standby is behind its primary. */
export interface OwnLagRow {
  /** Received, but not yet visible. */
  readonly bytes: number | null;
  /** Since the last replayed transaction was committed, or since this server started where it has replayed none yet. */
  readonly behindMs: number;
  /** Is there a connection to the primary? */
  readonly isReceiving: boolean;
}

// A base backup is a replica of its own kind, which follows nothing.
export const REPLICAS = sql<ReplicaRow>`
  SELECT application_name AS name, client_addr::text AS address, state,
         pg_wal_lsn_diff(here.lsn, coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn))::float8 AS "lagBytes",
         (extract(epoch FROM replay_lag) * 1000)::float8 AS "lagMs"
    FROM pg_stat_replication,
         (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END) AS here (lsn)
   WHERE state IS NULL OR state NOT IN ('backup', 'startup')
   ORDER BY application_name, pid`;

// Temporary slots go with their session.
export const SLOTS = sql<SlotRow>`
  SELECT slot_name AS name, active AS "isActive",
         pg_wal_lsn_diff(here.lsn, restart_lsn)::float8 AS "retainedBytes",
         to_jsonb(s) ->> 'wal_status' AS "walStatus"
    FROM pg_replication_slots AS s,
         (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END) AS here (lsn)
   WHERE NOT temporary
   ORDER BY slot_name`;

// Null is the status that the role may not see.
export const OWN_LAG = sql<OwnLagRow>`
  SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 AS bytes,
         (extract(epoch FROM clock_timestamp() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time()))
           * 1000)::float8 AS "behindMs",
         EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status IS NULL OR status = 'streaming') AS "isReceiving"`;
