import { randomUUID } from 'node:crypto';
import type { Database } from '../adapters/postgres.ts';
import { currentProcess } from '../adapters/process-owner.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { leaseHolder, takeLease } from '../engine/lease.ts';
import { warn, type Outcome } from '../engine/outcome.ts';
import type { StepContext } from '../engine/task.ts';

/** Runs of all projects and hosts share it: it lies in the database whose rows go. */
const LEASE = 'prune';

/**
 * Does something while nobody else prunes the same database, from whatever host and for whatever project. Where runs are not
 * coordinated in the database there is nothing to take.
 * @param work gets a signal that also aborts when somebody else has taken over
 */
export async function alone(context: StepContext, work: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
  const { database, project, signal } = context;
  const [row] = await database.rows(IS_COORDINATED);
  if (row?.isCoordinated !== true) return work(signal);
  const lost = new AbortController();
  await using lease = await takeLease({
    database: calm(database, signal),
    name: LEASE,
    // The run itself is the only one of its project on its host.
    holder: `${(await currentProcess()).host}:${project}`,
    run: randomUUID(),
    onLost: () => lost.abort(),
  });
  if (lease !== undefined) return work(AbortSignal.any([signal, lost.signal]));
  return warn(
    `nothing was touched: somebody else prunes this database (${await leaseHolder(database, LEASE)})`,
    ['Run it again once the other is done; a run that died holds it for 90 s at most.'],
    { detail: 'prune.elsewhere' },
  );
}

/** Once the run was stopped nothing can be said to the server any more, which is no surprise to the lease. */
function calm(database: Database, signal: AbortSignal): Database {
  return {
    ...database,
    run: async (statement) => {
      if (signal.aborted) throw new MaintError('CANCELLED', 'the run was stopped');
      return database.run(statement);
    },
  };
}

// By the catalogue: to_regclass fails where the role may not use the schema. Several privileges in one word mean any of them.
const IS_COORDINATED = sql<{ isCoordinated: boolean }>`
  SELECT coalesce(bool_or(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
                          AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')), false)
           AS "isCoordinated"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'maint' AND c.relname = 'lease'`;
