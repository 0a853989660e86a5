import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { formatDuration, plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { ageSettings, grade, WARNS_SOONER, warnsSooner } from './thresholds.ts';
import { defineCheck } from './check.ts';

const blockedSessionsSettings = z
  .strictObject(ageSettings('a session has waited for a lock', { warnAfter: '1 min', failAfter: '10 min' }))
  .refine(warnsSooner, WARNS_SOONER);
type BlockedSettings = z.infer<typeof blockedSessionsSettings>;

export const blockedSessionsCheck = defineCheck({
  id: 'blocked-sessions',
  dimension: 'service',
  alertClass: 'page',
  impact: 'whoever waits for the lock gets no answer',
  measures: 'the longest wait for a lock, seconds',
  warns: 'longer than `blockedSessions.warnAfter`',
  fails: 'longer than `blockedSessions.failAfter`',
  settings: {
    blockedSessions: blockedSessionsSettings.prefault({}).describe('How long a session may wait for a lock'),
  },
  questions: ({ blockedSessions }) => [
    { title: 'blocked sessions', ask: (database) => checkBlockedSessions(database, blockedSessions) },
  ],
});

/** A session that waits for a lock which others hold. */
interface BlockedRow {
  readonly pid: number;
  readonly applicationName: string;
  readonly waitMs: number | null;
  /** Process ids; 0 stands for a prepared transaction. */
  readonly blockedBy: readonly number[];
}

interface BlockerRow {
  readonly pid: number;
  readonly applicationName: string;
  readonly database: string | null;
  readonly state: string | null;
}

/** Who waits, and who stands at the head of the queue. */
interface Queue {
  readonly blocked: readonly BlockedRow[];
  readonly heads: readonly BlockerRow[];
}

/**
 * Looks for sessions that wait for a lock, and for the one session that all of them wait for in the end.
 * @throws MaintError when the database does not answer
 */
async function checkBlockedSessions(database: Reader, settings: BlockedSettings): Promise<Outcome> {
  const blocked = await database.rows(BLOCKED);
  const pids = headsOf(blocked);
  const heads = pids.length === 0 ? [] : await database.rows(blockers(pids));
  return judgeQueue({ blocked, heads }, settings, database.name);
}

/** Process ids that block others and wait for nobody themselves. */
function headsOf(blocked: readonly BlockedRow[]): readonly number[] {
  const waiting = new Set(blocked.map(({ pid }) => pid));
  return [...new Set(blocked.flatMap(({ blockedBy }) => blockedBy))].filter((pid) => !waiting.has(pid));
}

function judgeQueue({ blocked, heads }: Queue, { warnAfter, failAfter }: BlockedSettings, subject: string): Outcome {
  const longestMs = Math.max(0, ...blocked.map(({ waitMs }) => waitMs ?? 0));
  const status = grade(longestMs, warnAfter, failAfter);
  const names = heads.map(nameOf);
  const byWhom = names.length === 0 ? 'a prepared transaction' : names.join(', ');
  return {
    status,
    summary:
      blocked.length === 0
        ? 'no session waits for a lock'
        : `${plural(blocked.length, 'session')} waiting for a lock, the longest for ${formatDuration(longestMs)}; blocked by ${byWhom}`,
    remediation: status === 'done' ? [] : [...heads.map(terminate), ...(heads.length === 0 ? [PREPARED] : []), LASTING],
    facts: {
      blocked: blocked.map(({ pid, applicationName, waitMs, blockedBy }) => ({
        pid,
        applicationName,
        waitMs,
        blockedBy,
      })),
      blockers: heads.map(({ pid, applicationName, database, state }) => ({ pid, applicationName, database, state })),
    },
    samples: [
      { name: 'sessions.blocked', subject, value: blocked.length, unit: 'count' },
      { name: 'sessions.longestWait', subject, value: longestMs / 1_000, unit: 'seconds' },
    ],
  };
}

function nameOf({ pid, applicationName, database, state }: BlockerRow): string {
  const doing = state === null ? '' : `, ${state}`;
  return `${applicationName || 'unnamed'} (pid ${pid}, database ${database ?? 'unknown'}${doing})`;
}

function terminate(head: BlockerRow): string {
  return `SELECT pg_terminate_backend(${head.pid}); -- ${nameOf(head)}; pg_cancel_backend is enough while it is active`;
}

const PREPARED = 'SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared;';
const LASTING = 'Run schema changes with a short lock_timeout, so that they give way instead of holding up everyone.';

// pg_locks tells since when a lock is waited for from version 14 on; the beginning of the query has to do before.
const BLOCKED = sql<BlockedRow>`
  SELECT a.pid,
         coalesce(a.application_name, '') AS "applicationName",
         (extract(epoch FROM clock_timestamp()
            - min(coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start))) * 1000)::float8 AS "waitMs",
         pg_blocking_pids(a.pid) AS "blockedBy"
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a ON a.pid = l.pid
   WHERE NOT l.granted
     AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
   GROUP BY a.pid, a.application_name`;

function blockers(pids: readonly number[]) {
  return sql<BlockerRow>`
    SELECT pid, coalesce(application_name, '') AS "applicationName", datname AS database, state
      FROM pg_stat_activity
     WHERE pid = ANY (${pids})
     ORDER BY pid`;
}
