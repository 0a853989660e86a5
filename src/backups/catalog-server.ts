import { sql } from '../adapters/sql.ts';

/** How far the server had come. */
export const walPosition = sql<{ lsn: string | null }>`
  SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn`;

/** The name of the locale's provider came with version 15, and another column for the locale with 15 and 17. */
export const databaseFacts = sql<{
  collate: string;
  ctype: string;
  localeProvider: string | null;
  sizeBytes: number;
}>`
  SELECT datcollate::text AS collate, datctype::text AS ctype,
         CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' END
           AS "localeProvider",
         pg_database_size(oid)::float8 AS "sizeBytes"
    FROM pg_database AS d
   WHERE datname = current_database()`;

export const clusterFacts = sql<{ dataChecksums: boolean | null }>`
  SELECT current_setting('data_checksums', true) = 'on' AS "dataChecksums"`;

/** Providers take the right to look at pg_control away. */
export const mayReadControl = sql<{ isAllowed: boolean }>`
  SELECT has_function_privilege('pg_control_system()', 'EXECUTE')
         AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE') AS "isAllowed"`;

/** Which cluster it is, and which of its histories: a restored or promoted server goes on under a new timeline. */
export const controlFacts = sql<{ systemIdentifier: string; timeline: number }>`
  SELECT s.system_identifier::text AS "systemIdentifier", c.timeline_id AS timeline
    FROM pg_control_system() AS s, pg_control_checkpoint() AS c`;
