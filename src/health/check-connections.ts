import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration, formatShare, plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { gradeShare, shareSetting, WARNS_FIRST, warnsFirst } from './thresholds.ts';
import { defineCheck } from './check.ts';

const connectionsSettings = z
  .strictObject({
    warnAt: shareSetting(0.7).describe('Warn from this share of the connections on that the server allows'),
    failAt: shareSetting(0.9).describe('Fail from this share on'),
    idleInTransaction: durationSetting
      .prefault('5 min')
      .describe('Name sessions that have been idle inside a transaction for longer than this'),
  })
  .refine(warnsFirst, WARNS_FIRST);
type ConnectionsSettings = z.infer<typeof connectionsSettings>;

export const connectionsCheck = defineCheck({
  id: 'connections',
  dimension: 'resources',
  alertClass: 'page',
  impact: 'at the limit the server refuses every new connection',
  measures: 'share of the connections that ordinary roles may use',
  warns: '`connections.warnAt` of them in use',
  fails: '`connections.failAt` of them in use',
  settings: { connections: connectionsSettings.prefault({}).describe('How many connections may be in use') },
  questions: ({ connections }) => [
    { title: 'connections', ask: (database) => checkConnections(database, connections) },
  ],
});

/** One connection as pg_stat_activity shows it; what the role may not see is null. */
interface Backend {
  readonly pid: number;
  readonly applicationName: string;
  readonly state: string | null;
  /** How long it has been in this state. */
  readonly stateMs: number | null;
}

/** What was counted. */
interface Connections {
  /** `app on db1:5432`. */
  readonly name: string;
  /** How many an ordinary role may use together. */
  readonly limit: number;
  readonly backends: readonly Backend[];
}

/**
 * Counts the connections of the whole server against what an ordinary role may use.
 * @throws MaintError when the database does not answer
 */
async function checkConnections(database: Reader, settings: ConnectionsSettings): Promise<Outcome> {
  const [limits] = await database.rows(LIMITS);
  const backends = await database.rows(BACKENDS);
  return judgeConnections({ name: database.name, limit: limits?.usable ?? 0, backends }, settings);
}

/** Near the limit someone must know who holds the connections. */
function judgeConnections({ name, limit, backends }: Connections, settings: ConnectionsSettings): Outcome {
  const share = backends.length / Math.max(1, limit);
  const groups = groupsOf(backends);
  const idle = backends
    .filter(
      ({ state, stateMs }) => state?.startsWith('idle in transaction') && (stateMs ?? 0) > settings.idleInTransaction,
    )
    .toSorted((a, b) => (b.stateMs ?? 0) - (a.stateMs ?? 0));
  const hidden = backends.filter(({ state }) => state === null).length;
  const status = gradeShare(share, settings);
  return {
    status,
    summary: summaryOf({ used: backends.length, limit, share, status, groups, idle, hidden }),
    remediation: [...(status === 'done' ? [] : REMEDIATION), ...idle.slice(0, 3).map(terminate)],
    facts: {
      used: backends.length,
      limit,
      share,
      top: groups.slice(0, 5).map(({ title, sessions }) => ({ title, sessions })),
      idleInTransaction: idle.map(({ pid, applicationName, stateMs }) => ({ pid, applicationName, idleMs: stateMs })),
      hidden,
    },
    samples: [{ name: 'connections.used', subject: name, value: share, unit: 'ratio' }],
  };
}

interface Group {
  /** Application and state. */
  readonly title: string;
  readonly sessions: number;
}

function groupsOf(backends: readonly Backend[]): readonly Group[] {
  const byTitle = Map.groupBy(
    backends,
    ({ applicationName, state }) => `${applicationName || 'unnamed'} ${state ?? 'hidden'}`,
  );
  return [...byTitle]
    .map(([title, members]) => ({ title, sessions: members.length }))
    .toSorted((a, b) => b.sessions - a.sessions || a.title.localeCompare(b.title));
}

interface Found {
  readonly used: number;
  readonly limit: number;
  readonly share: number;
  readonly status: Outcome['status'];
  readonly groups: readonly Group[];
  readonly idle: readonly Backend[];
  readonly hidden: number;
}

function summaryOf({ used, limit, share, status, groups, idle, hidden }: Found): string {
  const top = groups.slice(0, 3).map(({ title, sessions }) => `${title} ${sessions}`);
  const [longest] = idle;
  return [
    `${used} of ${limit} connections in use (${formatShare(share)})`,
    ...(status === 'done' ? [] : [`mostly ${top.join(', ')}`]),
    ...(longest === undefined ? [] : [`${idle.length} idle in transaction, longest ${nameOf(longest)}`]),
    ...(hidden === 0 ? [] : [`the state of ${plural(hidden, 'session')} is hidden from this role`]),
  ].join('; ');
}

function nameOf({ applicationName, pid, stateMs }: Backend): string {
  return `${applicationName || 'unnamed'} (pid ${pid}) for ${formatDuration(stateMs ?? 0)}`;
}

function terminate(backend: Backend): string {
  return `SELECT pg_terminate_backend(${backend.pid}); -- idle in transaction: ${nameOf(backend)}`;
}

const REMEDIATION = [
  'SELECT application_name, usename, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;',
  'Lower the pool size of the application with the most sessions, or put a pooler before the server.',
  'ALTER SYSTEM SET max_connections = 200; -- needs a restart, and memory for each connection',
];

// Since version 16 some connections can be kept back for the role pg_use_reserved_connections.
const LIMITS = sql<{ usable: number }>`
  SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0) AS usable`;

// The type of a foreign session is hidden from a role without pg_read_all_stats; its database is not.
const BACKENDS = sql<Backend>`
  SELECT pid,
         coalesce(application_name, '') AS "applicationName",
         state,
         (extract(epoch FROM clock_timestamp() - state_change) * 1000)::float8 AS "stateMs"
    FROM pg_stat_activity
   WHERE backend_type = 'client backend'
      OR (backend_type IS NULL AND datid IS NOT NULL)`;
