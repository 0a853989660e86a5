import type { Database } from '../adapters/postgres.ts';
import { ident, sql } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import { wait } from '../adapters/wait.ts';
import { formatCount, formatDuration, plural } from '../base/units.ts';
import { done, skip, type Outcome } from '../engine/outcome.ts';
import type { Step, StepContext } from '../engine/task.ts';
import type { Budget } from './engine.ts';
import type { Pace } from './settings.ts';

/** Tables, by oid, from which rules of this run took rows, or whose rows went along. */
export type Touched = Set<string>;

/** What VACUUM made of one table. */
interface Tidied {
  readonly table: string;
  readonly ms: number;
  readonly deadBefore: number;
  readonly deadAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Why the server left it out. */
  readonly warning?: string;
}

/** One table may take so long. */
const TIMEOUT_MS = 60 * 60_000;
/** So long the counters of a server before 15 lag behind. */
const LAG_MS = 700;

/**
 * Makes the step that comes after all rules: space of dead rows is given back to their tables at once where so many went
 * that autovacuum would come too, and statistics are taken anew.
 */
export function tidyStep(
  touched: Touched,
  { pace, budget }: { readonly pace: Pace; readonly budget: Pick<Budget, 'until' | 'isOpen'> },
): Step {
  return {
    title: 'vacuum',
    intent: ['VACUUM (ANALYZE) the tables of which so much went that autovacuum would come too'],
    perform: async (context) => {
      if (touched.size === 0) return skip('no row went');
      if (context.signal.aborted) return skip('it was stopped before');
      const now = context.now();
      if ((budget.until !== undefined && now >= budget.until) || !budget.isOpen(now))
        return skip('its time was up: autovacuum does it');
      const { isPooled } = await context.database.server();
      if (isPooled) return skip('a connection pooler stands in between: autovacuum does it');
      return told(await tidy([...touched], pace, context));
    },
  };
}

async function tidy(oids: readonly string[], pace: Pace, context: StepContext): Promise<readonly Tidied[]> {
  const { database, signal } = context;
  await letCountersSettle(database, signal);
  const untidy = await database.rows(worthIt(oids));
  const result: Tidied[] = [];
  for (const { oid, schema, name, dead, bytes } of untidy) {
    if (signal.aborted) break;
    const settings = { statementTimeoutMs: TIMEOUT_MS, vacuumCostDelayMs: pace === 'full' ? 0 : 2 };
    const { value, ms } = await timed(() => database.command(vacuum(schema, name), settings));
    const [after] = await database.rows(stateOf(oid));
    const [warning] = value;
    result.push({
      table: `${schema}.${name}`,
      ms,
      deadBefore: dead,
      deadAfter: after?.dead ?? dead,
      bytesBefore: bytes,
      bytesAfter: after?.bytes ?? bytes,
      ...(warning !== undefined && { warning }),
    });
    context.progress({ done: result.length, total: untidy.length, unit: 'items' });
  }
  return result;
}

async function letCountersSettle(database: Database, signal: AbortSignal): Promise<void> {
  const { major } = await database.server();
  if (major >= 15) await database.rows(FLUSH);
  else await wait(LAG_MS, signal);
}

function told(tables: readonly Tidied[]): Outcome {
  const facts = { tables: tables.map((one) => ({ ...one })) };
  const left = tables.filter(({ warning }) => warning !== undefined);
  const tidied = tables.filter(({ warning }) => warning === undefined);
  if (tables.length === 0) return done('too few rows went from any table to be worth it', { facts });
  const ms = tidied.reduce((sum, one) => sum + one.ms, 0);
  const dead = tidied.reduce((sum, one) => sum + one.deadBefore - one.deadAfter, 0);
  const others = left.length === 0 ? '' : `; the server left ${plural(left.length, 'table')} to autovacuum`;
  return done(
    `space of ${formatCount(Math.max(0, dead))} dead rows in ${plural(tidied.length, 'table')} can be used again, ` +
      `after ${formatDuration(ms)}${others}`,
    { facts },
  );
}

// A table that is locked is left to autovacuum; the end of its file too, as cutting that off takes a lock that all wait for.
function vacuum(schema: string, name: string) {
  return sql`VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE false) ${ident(schema, name)}`;
}

const FLUSH = sql<object>`SELECT pg_stat_force_next_flush()`;

interface State {
  readonly dead: number;
  readonly bytes: number;
}

const stateOf = (oid: string) => sql<State>`
  SELECT n_dead_tup::float8 AS dead, pg_table_size(relid)::float8 AS bytes
    FROM pg_stat_all_tables WHERE relid = ${oid}::oid`;

interface Untidy extends State {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
}

// The arithmetic of autovacuum: https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
const worthIt = (oids: readonly string[]) => sql<Untidy>`
  WITH asked AS (
    SELECT c.oid, c.reltuples, own.threshold, own.scale
      FROM pg_class c,
           LATERAL (SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold') AS threshold,
                           max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor') AS scale
                      FROM pg_options_to_table(c.reloptions)) own
     WHERE c.oid = ANY(${oids}::oid[]) AND c.relkind = 'r')
  SELECT s.relid::text AS oid, s.schemaname::text AS schema, s.relname::text AS name, s.n_dead_tup::float8 AS dead,
         pg_table_size(s.relid)::float8 AS bytes
    FROM asked
    JOIN pg_stat_all_tables s ON s.relid = asked.oid
   WHERE s.n_dead_tup >= coalesce(threshold, current_setting('autovacuum_vacuum_threshold'))::float8
                       + coalesce(scale, current_setting('autovacuum_vacuum_scale_factor'))::float8
                         * greatest(asked.reltuples, 0)
   ORDER BY s.n_dead_tup DESC`;
