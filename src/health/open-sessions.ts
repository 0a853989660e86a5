import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import type { Json } from '../base/json.ts';
import { formatDuration, plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { grade, type AgeThresholds } from './thresholds.ts';

/** One foreign session as pg_stat_activity shows it; what the role may not see is null. Its query may hold secrets and is never read. */
interface SessionRow {
  readonly pid: number;
  readonly applicationName: string;
  readonly database: string | null;
  readonly user: string | null;
  readonly state: string | null;
  /** Since its transaction began; null where none is open. */
  readonly transactionMs: number | null;
  /** Since it is in this state. */
  readonly stateMs: number | null;
  /** ISO instant at which its last query began. */
  readonly queryStart: string | null;
}

/** Something that keeps a transaction open, however it is ended. */
export interface Holder {
  /** `billing (pid 4711, database app)`. */
  readonly name: string;
  readonly ageMs: number;
  /** What is known about its last query, for the summary. */
  readonly note: string;
  /** The statement that ends it. */
  readonly remedy: string;
  readonly facts: Readonly<Record<string, Json>>;
}

/** Who was found. */
export interface Holders {
  readonly holders: readonly Holder[];
  /** How many sessions do not show their state to this role. */
  readonly hidden: number;
}

/** How one check names what it found. */
interface Wording {
  /** `database on host`, for the sample. */
  readonly subject: string;
  /** Name of the sample. */
  readonly sample: string;
  /** `open transaction`. */
  readonly noun: string;
  readonly nouns: string;
}

/** The sessions of the whole server except those of maint. */
export async function readSessions(database: Reader): Promise<readonly SessionRow[]> {
  return database.rows(SESSIONS);
}

/** Writes a session as a holder of a transaction. */
export function holderOf(session: SessionRow, ageMs: number): Holder {
  const { pid, applicationName, database, user, queryStart } = session;
  const name = `${applicationName || 'unnamed'} (pid ${pid}, database ${database ?? 'unknown'})`;
  return {
    name,
    ageMs,
    note: queryStart === null ? '' : `, last query began at ${queryStart}`,
    remedy: `SELECT pg_terminate_backend(${pid}); -- ${name}, for ${formatDuration(ageMs)}`,
    facts: { pid, applicationName, database, user, queryStart, ageMs: Math.round(ageMs) },
  };
}

/** As bad as the one that lasts longest; all that are too old are named with what ends them. */
export function judgeHolders(
  { holders, hidden }: Holders,
  { warnAfter, failAfter }: AgeThresholds,
  { subject, sample, noun, nouns }: Wording,
): Outcome {
  const oldestFirst = holders.toSorted((a, b) => b.ageMs - a.ageMs);
  const [oldest] = oldestFirst;
  const old = oldestFirst.filter(({ ageMs }) => ageMs >= warnAfter);
  const longestMs = oldest?.ageMs ?? 0;
  const unseen = hidden === 0 ? '' : `; the state of ${plural(hidden, 'session')} is hidden from this role`;
  const found =
    oldest === undefined
      ? `no ${noun}`
      : `${plural(holders.length, noun, nouns)}, the longest for ${formatDuration(longestMs)}`;
  const worst = old.length === 0 || oldest === undefined ? '' : `: ${oldest.name}${oldest.note}`;
  const extras = {
    facts: { open: holders.length, hidden, old: old.map(({ facts }) => facts) },
    samples: [{ name: sample, subject, value: longestMs / 1_000, unit: 'seconds' as const }],
  };
  return {
    status: grade(longestMs, warnAfter, failAfter),
    summary: `${found}${worst}${unseen}`,
    remediation: old.length === 0 ? [] : [...old.slice(0, 5).map(({ remedy }) => remedy), LASTING],
    ...extras,
  };
}

const LASTING = 'Find out why the application leaves it open; idle_in_transaction_session_timeout ends such sessions.';

// The type of a foreign session is hidden from a role without pg_read_all_stats; its database is not.
const SESSIONS = sql<SessionRow>`
  SELECT pid,
         coalesce(application_name, '') AS "applicationName",
         datname AS database,
         usename AS "user",
         state,
         (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::float8 AS "transactionMs",
         (extract(epoch FROM clock_timestamp() - state_change) * 1000)::float8 AS "stateMs",
         to_char(query_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "queryStart"
    FROM pg_stat_activity
   WHERE (backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))
     AND coalesce(application_name, '') NOT LIKE 'maint/%'
     AND pid <> pg_backend_pid()`;
