import { z } from 'zod';
import type { Database, Snapshot } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { printable } from '../base/printable.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';

/** What to do when a session waits for the dump. */
export const yieldSettings = z.strictObject({
  after: durationSetting
    .prefault('60s')
    .describe('How long another session, such as a migration, may wait for a table that the dump reads'),
  action: z
    .enum(['warn', 'abort'])
    .default('warn')
    .describe('What happens then: finish the dump and warn, or abort it so that the other session gets on'),
});

/** When and how a dump gives way. */
export type YieldSettings = z.output<typeof yieldSettings>;

/** A session that waited for the dump longer than it should. */
export interface Waiter {
  readonly pid: number;
  readonly applicationName: string;
  /** Its statement up to the first literal; undefined where the role may not see it. */
  readonly statement: string | undefined;
  readonly waitedMs: number;
}

interface WaitingRow {
  readonly pid: number;
  readonly applicationName: string;
  readonly query: string;
  /** Null where neither the version of the server nor the rights of the role tell it. */
  readonly waitedMs: number | null;
  readonly isOursAlone: boolean;
}

interface QueueRequest {
  /** Not the session of the snapshot, which is busy counting. */
  readonly database: Pick<Database, 'transaction' | 'server'>;
  readonly snapshot: Pick<Snapshot, 'id' | 'rows'>;
  readonly settings: YieldSettings;
  /** Between two looks. */
  readonly everyMs: number;
  readonly log: Log;
}

/** A look must not be felt on the server, and must not wait for it. */
const LOOK_LIMITS = { statementTimeoutMs: 5_000, lockTimeoutMs: 1_000 };
/** A short patience needs a closer look. */
const LONGEST_INTERVAL_MS = 5_000;
const SHORTEST_INTERVAL_MS = 200;

/** How often to look, given how long others may wait. */
export function lookInterval({ after }: YieldSettings): number {
  return Math.min(LONGEST_INTERVAL_MS, Math.max(SHORTEST_INTERVAL_MS, after / 3));
}

/** How the dump's session goes by in pg_stat_activity. */
export function dumpSessionName(snapshotId: string): string {
  return `maint/backup ${snapshotId}`;
}

/** Looks who waits for the locks of a dump, which stay until its end. */
export class LockQueue {
  readonly #request: QueueRequest;
  readonly #tooLong = new Map<number, Waiter>();
  #looks: ReadonlyMap<number, number> = new Map();
  /** Undefined on a standby, where nobody waits for a reader: replay ends what is in its way. */
  #snapshotPid: number | undefined;
  #isBlind = false;

  constructor(request: QueueRequest) {
    this.#request = request;
  }

  /** Everyone who waited too long so far, the longest first. */
  get waiters(): readonly Waiter[] {
    return [...this.#tooLong.values()].toSorted((a, b) => b.waitedMs - a.waitedMs);
  }

  /** To be called before the snapshot has anything else to do. @throws MaintError */
  async open(): Promise<void> {
    const { database, snapshot } = this.#request;
    if ((await database.server()).isStandby) return;
    const [own] = await snapshot.rows(sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`);
    this.#snapshotPid = own?.pid;
  }

  /**
   * Looks once. Not being able to look is no reason to lose the backup: it is logged.
   * @throws MaintError LOCK_TIMED_OUT when someone waited too long for the dump alone and it is to give way
   */
  async look(): Promise<void> {
    const { log, settings, everyMs } = this.#request;
    const rows = await this.#ask();
    // Seen again and again by the same name: the way to know how long where the server does not tell.
    this.#looks = new Map(rows.map(({ pid }) => [pid, (this.#looks.get(pid) ?? 0) + 1]));
    for (const row of rows) {
      const waitedMs = row.waitedMs ?? ((this.#looks.get(row.pid) ?? 1) - 1) * everyMs;
      if (waitedMs < settings.after) continue;
      const { pid, applicationName } = row;
      const waiter = { pid, applicationName, statement: statementOf(row.query), waitedMs };
      if (!this.#tooLong.has(pid)) log.warn({ ...waiter }, 'a session waits for the dump');
      this.#tooLong.set(pid, waiter);
      // Where another session is in its way too, giving way would not help it.
      if (settings.action === 'abort' && row.isOursAlone) throw gaveWay(waiter);
    }
  }

  async #ask(): Promise<readonly WaitingRow[]> {
    const { database, snapshot, log } = this.#request;
    const pid = this.#snapshotPid;
    if (pid === undefined) return [];
    try {
      return await database.transaction(LOOK_LIMITS, (inside) => inside.rows(waiting(pid, snapshot.id)));
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      // Once is enough to be told.
      if (!this.#isBlind) log.warn({ err: error, code: error.code }, 'could not look who waits for the dump');
      this.#isBlind = true;
      return [];
    }
  }
}

/** `1 min 2 s: ALTER TABLE users ADD … (pid 4711, application migrate)`. */
export function describeWaiter({ pid, applicationName, statement, waitedMs }: Waiter): string {
  const who = `pid ${pid}, application ${printable(applicationName) || 'unnamed'}`;
  return `${formatDuration(waitedMs)}: ${statement ?? 'a statement that this role may not see'} (${who})`;
}

function gaveWay(waiter: Waiter): MaintError {
  return new MaintError(
    'LOCK_TIMED_OUT',
    `the dump gave way to a session that had waited for it for ${describeWaiter(waiter)}`,
    {
      detail: 'backup.yielded',
      hint: 'Run `maint backup` again when the other session is through; nothing of this backup was kept.',
    },
  );
}

const SHOWN_LETTERS = 200;
const HIDDEN = '<insufficient privilege>';

/**
 * What may be shown of a foreign statement: comments taken out, then everything before its first literal, for a literal
 * may be a secret; at most 200 letters. What it is and which table it wants stands before that.
 */
export function statementOf(query: string): string | undefined {
  if (query === HIDDEN || query === '') return undefined;
  const bare = query.replaceAll(/\/\*[^]*?\*\//g, ' ').replaceAll(/--[^\n]*/g, ' ');
  const [beginning = ''] = bare.split(/'|\$\w*\$/, 1);
  const line = printable(beginning.replaceAll(/\s+/g, ' ').trim());
  const shown = [...line].slice(0, SHOWN_LETTERS).join('');
  return shown.length < line.length || beginning.length < bare.length ? `${shown.trimEnd()} …` : shown;
}

/**
 * Sessions that wait for a lock which the dump holds. Ours are the session of the snapshot, whose process id we know
 * from itself, and those of the same role that bear the name which only this snapshot's pg_dump was given: a name alone
 * could be anybody's. pg_locks tells since when a lock is waited for from version 14 on; the beginning of the statement
 * has to do before. pg_stat_activity hides wait events of other roles, pg_locks hides nothing.
 */
function waiting(snapshotPid: number, snapshotId: string) {
  return sql<WaitingRow>`
    WITH own AS (
      SELECT array_agg(session.pid) AS pids
        FROM pg_stat_activity AS session
        JOIN pg_stat_activity AS holder ON holder.pid = ${snapshotPid}
       WHERE session.pid = holder.pid
          OR (session.application_name = ${dumpSessionName(snapshotId)} AND session.usesysid = holder.usesysid)
    ), queue AS (
      SELECT pid, pg_blocking_pids(pid) AS blockers, min(to_jsonb(pg_locks) ->> 'waitstart')::timestamptz AS since
        FROM pg_locks
       WHERE NOT granted AND pid <> ALL (SELECT unnest(pids) FROM own)
       GROUP BY pid
    )
    SELECT queue.pid,
           coalesce(session.application_name, '') AS "applicationName",
           coalesce(session.query, '') AS query,
           (extract(epoch FROM clock_timestamp() - coalesce(since, session.query_start)) * 1000)::float8 AS "waitedMs",
           blockers <@ own.pids AS "isOursAlone"
      FROM queue
      JOIN pg_stat_activity AS session ON session.pid = queue.pid
     CROSS JOIN own
     WHERE blockers && own.pids
     ORDER BY queue.pid`;
}
