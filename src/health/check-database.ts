import { z } from 'zod';
import type { Reader, ServerFacts } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import type { ErrorCode, MaintError } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';
import { done, fail, warn, type Outcome } from '../engine/outcome.ts';
import { isUnanswered } from './unanswered.ts';
import { defineCheck } from './check.ts';

const databaseSettings = z.strictObject({
  warnAfter: durationSetting
    .prefault('250ms')
    .describe('Warn when connecting and a first query take longer than this together'),
});
type DatabaseSettings = z.infer<typeof databaseSettings>;

export const databaseAnswersCheck = defineCheck({
  id: 'database-answers',
  dimension: 'dependencies',
  alertClass: 'page',
  impact: 'while the database does not answer, nothing that needs it works',
  measures: 'time to connect and ask a first question, seconds',
  warns: 'slower than `database.warnAfter`',
  fails: 'no connection, no login, no answer',
  settings: { database: databaseSettings.prefault({}).describe('How fast the database must answer') },
  questions: ({ database: chosen }) => [
    { title: 'database answers', decides: true, ask: (database) => checkDatabase(database, chosen) },
  ],
});

/** How fast the server was. */
interface Answer {
  /** `app on db1:5432`. */
  readonly name: string;
  readonly server: ServerFacts;
  readonly queryMs: number;
}

/**
 * Connects and asks the smallest question there is. Whether an answer comes is what this check is about, so a refused
 * or lost connection is its finding, not an obstacle to it.
 */
async function checkDatabase(database: Reader, settings: DatabaseSettings): Promise<Outcome> {
  try {
    const server = await database.server();
    const { ms: queryMs } = await timed(() => database.rows(sql<{ one: number }>`SELECT 1 AS one`));
    return judgeAnswer({ name: database.name, server, queryMs }, settings);
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    return judgeRefusal(error);
  }
}

/** Slow is a warning. */
function judgeAnswer({ name, server, queryMs }: Answer, { warnAfter }: DatabaseSettings): Outcome {
  const { connectMs, major, versionNumber, isStandby } = server;
  const totalMs = connectMs + queryMs;
  const version = `${major}.${versionNumber % 10_000}`;
  const summary = `answered in ${formatDuration(totalMs)} (connecting ${formatDuration(connectMs)}, a query ${formatDuration(queryMs)}), PostgreSQL ${version}`;
  const extras = {
    facts: { connectMs: Math.round(connectMs), queryMs: Math.round(queryMs), version, isStandby },
    samples: [{ name: 'database.connect', subject: name, value: connectMs / 1_000, unit: 'seconds' as const }],
  };
  return totalMs > warnAfter ? warn(summary, SLOW, extras) : done(summary, extras);
}

const SLOW = [
  'On the database host, look at load and memory: uptime; free -h; vmstat 1 5',
  `psql "$DATABASE_URL" -c "SELECT pid, state, wait_event_type, wait_event, left(query, 60) FROM pg_stat_activity WHERE state = 'active'"`,
  'From this host, time the name server and the way: time getent hosts <database host>; ping -c 5 <database host>',
];

function judgeRefusal({ code, message, hint }: MaintError): Outcome {
  return fail(message, [hint, ...(COMMANDS[code] ?? [])], { facts: { code } });
}

const COMMANDS: Readonly<Partial<Record<ErrorCode, readonly string[]>>> = {
  DATABASE_UNREACHABLE: ['On the database host: systemctl status postgresql; journalctl -u postgresql -n 50'],
  DATABASE_LOGIN_REFUSED: ['psql "$DATABASE_URL" -c "SELECT 1"'],
  DATABASE_NOT_FOUND: ['On the database host: sudo -u postgres psql -l'],
  DATABASE_BUSY: [
    'On the database host: sudo -u postgres psql -c "SELECT application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC"',
  ],
  CONNECTION_LOST: ['On the database host: journalctl -u postgresql --since "15 min ago"'],
  STATEMENT_TIMED_OUT: ['On the database host, look at load and memory: uptime; free -h; vmstat 1 5'],
  NO_SPACE: ['On the database host: df -h'],
};
