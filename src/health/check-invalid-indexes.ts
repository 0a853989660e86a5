import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { formatBytes, plural } from '../base/units.ts';
import { done, warn, type Outcome } from '../engine/outcome.ts';
import { defineCheck } from './check.ts';

const invalidIndexesSettings = z.strictObject({
  ignore: z
    .array(z.string().min(1))
    .default([])
    .describe('Indexes to leave out, with their schema, such as public.orders_paid_idx'),
});
type InvalidIndexesSettings = z.infer<typeof invalidIndexesSettings>;

export const invalidIndexesCheck = defineCheck({
  id: 'invalid-indexes',
  dimension: 'data',
  alertClass: 'ticket',
  impact: 'the index slows every write and helps no query',
  measures: 'number of invalid indexes',
  warns: 'one or more',
  settings: { invalidIndexes: invalidIndexesSettings.prefault({}).describe('Which invalid indexes are known') },
  questions: ({ invalidIndexes }) => [
    { title: 'invalid indexes', ask: (database) => checkInvalidIndexes(database, invalidIndexes) },
  ],
});

/** An index that costs at every write and helps no query. */
interface IndexRow {
  readonly label: string;
  readonly bytes: number;
  /** The statement that repairs or removes it. */
  readonly remedy: string;
}

/**
 * Looks for what a failed CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY left behind. An index that is being built
 * now is not counted.
 * @throws MaintError when the database does not answer
 */
async function checkInvalidIndexes(database: Reader, settings: InvalidIndexesSettings): Promise<Outcome> {
  const all = await database.rows(INVALID);
  const indexes = all.filter(({ label }) => !settings.ignore.includes(label));
  const extras: Parameters<typeof done>[1] = {
    facts: { indexes: indexes.map(({ label, bytes }) => ({ label, bytes })) },
    samples: [{ name: 'indexes.invalid', subject: database.name, value: indexes.length, unit: 'count' }],
  };
  if (indexes.length === 0) return done('no invalid index', extras);
  const names = indexes.slice(0, 3).map(({ label, bytes }) => `${label} (${formatBytes(bytes)})`);
  const more = indexes.length > 3 ? `, and ${indexes.length - 3} more` : '';
  const summary = `${plural(indexes.length, 'invalid index', 'invalid indexes')}: ${names.join(', ')}${more}`;
  return warn(
    summary,
    indexes.map(({ remedy }) => remedy),
    extras,
  );
}

// While an index is built concurrently its table is locked as VACUUM locks it, and every role can see the lock.
const INVALID = sql<IndexRow>`
  SELECT n.nspname || '.' || c.relname AS label,
         c.relpages::float8 * current_setting('block_size')::int AS bytes,
         CASE WHEN c.relname ~ '_cc(new|old)[0-9]*$'
              THEN format('DROP INDEX CONCURRENTLY %I.%I; -- left over from REINDEX CONCURRENTLY', n.nspname, c.relname)
              ELSE format('REINDEX INDEX CONCURRENTLY %I.%I; -- or drop it when no query needs it', n.nspname, c.relname)
          END AS remedy
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relpersistence <> 't'
     AND NOT EXISTS (
       SELECT FROM pg_locks AS l
         LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
        WHERE l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND a.backend_type IS DISTINCT FROM 'autovacuum worker')
   ORDER BY bytes DESC, label`;
