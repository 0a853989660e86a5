import type { Reader } from '../adapters/postgres.ts';
import { condition, fragment, sql, type Fragment } from '../adapters/sql.ts';
import type { Cutoff } from './cutoff.ts';
import { judged, type Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import type { Target } from './target.ts';

/** Which rows of a table a rule is about. */
export interface Doom {
  readonly cutoff: Cutoff;
  /** The rule's own condition, in brackets; true where it has none. */
  readonly where: Fragment;
  /** The rows of the table that count, where some count as gone already. */
  readonly among?: Fragment;
}

/** The rows of a table that are old enough and meet the condition. */
export function doomed({ age, ageCast }: Target, { cutoff, where }: Doom): Fragment {
  return fragment`${age} < ${cutoff.key}::${ageCast} AND ${where}`;
}

/** Reads the rule's own condition; PostgreSQL says whether it is one, and true or false. */
export async function readWhere(
  database: Reader,
  { name, where = 'true' }: Rule,
  targets: readonly Target[],
): Promise<{ readonly where: Fragment } | Refusal> {
  const refuse = (said: string): Refusal => ({
    detail: 'prune.where',
    reason: `the condition of the rule ${name} is not usable: ${said}`,
    remediation: ['Write one boolean expression as `where`, without comments, semicolons and $.'],
  });
  const read = condition(where);
  if (read === undefined) return refuse('it is more than one expression, or its brackets and quotes do not match');
  for (const { table } of targets) {
    const tried = await judged(
      () => database.rows(sql<object>`SELECT FROM ONLY ${table} WHERE ${read} LIMIT 0`),
      refuse,
    );
    if ('refusal' in tried) return tried.refusal;
  }
  return { where: read };
}
