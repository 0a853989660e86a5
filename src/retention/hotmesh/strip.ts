import { fragment, ident, sql, type Fragment, type Identifier, type Statement } from '../../adapters/sql.ts';
import type { Action, Grip } from '../action.ts';

/**
 * The attributes that only a job at work needs: state of its activities, its ledger of messages, its counter in old
 * layouts. A list of what goes and not of what stays, so that a type nobody knows yet stays.
 */
const SCAFFOLDING = ['adata', 'other', 'status'];

/** How jobs are pruned. */
export interface Stripping {
  /** Where the attributes of a partition of jobs lie, by the oid of that partition. */
  readonly attributesOf: ReadonlyMap<string, Identifier>;
  /** Every attribute there is, for a partition that the map does not know. */
  readonly allAttributes: Identifier;
  readonly hasPrunedAt: boolean;
  /** Keep the triggers of HotMesh quiet while the mark is set. */
  readonly isQuiet: boolean;
  /** Jobs at once; without quiet triggers each of them can take one of the locks that all sessions share. */
  readonly maxLimit: number;
}

/** A few jobs already have thousands of attributes. */
const FIRST_JOBS = 100;
const MAX_JOBS = 2_000;

/** Takes the scaffolding of jobs and marks them: all of it or nothing, in one transaction. */
export function stripJobs(stripping: Stripping): Action {
  return {
    firstRows: FIRST_JOBS,
    maxRows: MAX_JOBS * 10,
    maxLimit: Math.min(MAX_JOBS, stripping.maxLimit),
    async take(inside, grip) {
      const chosen = await inside.rows(choice(grip));
      const ids = chosen.map(({ id }) => id);
      if (ids.length === 0) return { rows: 0, isWhole: true };
      const attributes = await inside.run(removal(stripping, grip, ids));
      if (stripping.hasPrunedAt) {
        if (stripping.isQuiet) await inside.rows(QUIET);
        await inside.run(marking(grip, ids));
      }
      return { rows: ids.length, attributes, isWhole: ids.length < grip.limit };
    },
    statements: (grip) => [
      choice(grip),
      removal(stripping, grip, [`those ${grip.limit} jobs at most`]),
      ...(stripping.hasPrunedAt && stripping.isQuiet ? [QUIET] : []),
      ...(stripping.hasPrunedAt ? [marking(grip, ['the same jobs'])] : []),
    ],
  };
}

/** Does a job still have scaffolding? For layouts without a mark; asked job by job, never as a join over all of them. */
export function hasScaffolding(allAttributes: Identifier): Fragment {
  return fragment`coalesce((SELECT true FROM (SELECT job_id AS of_job, type AS of_type FROM ${allAttributes}) owned
                             WHERE owned.of_job = id AND owned.of_type::text = ANY(${SCAFFOLDING}::text[]) LIMIT 1),
                           false)`;
}

// The lock comes with the question, so that a job which changed meanwhile is asked again, and nobody adds attributes.
function choice({ target: { table }, condition, limit, isAroundLocks }: Grip): Statement<{ id: string }> {
  const waiting = isAroundLocks ? fragment`SKIP LOCKED` : fragment``;
  return sql<{ id: string }>`
    SELECT id::text AS id FROM ONLY ${table} WHERE ${condition} LIMIT ${limit}::int8 FOR UPDATE ${waiting}`;
}

function removal({ attributesOf, allAttributes }: Stripping, { target }: Grip, ids: readonly string[]) {
  const attributes = attributesOf.get(target.oid) ?? allAttributes;
  return sql`DELETE FROM ${attributes} WHERE job_id = ANY(${ids}::uuid[]) AND type::text = ANY(${SCAFFOLDING}::text[])`;
}

function marking({ target: { table } }: Grip, ids: readonly string[]): Statement<never> {
  return sql`UPDATE ONLY ${table} SET pruned_at = now() WHERE ${ident('id')} = ANY(${ids}::uuid[])`;
}

// Until the end of the transaction, in which nothing is deleted that a foreign key would have to follow.
const QUIET = sql<object>`SELECT set_config('session_replication_role', 'replica', true)`;
