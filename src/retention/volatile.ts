import type { Reader } from '../adapters/postgres.ts';
import { sql, type Fragment, type Statement } from '../adapters/sql.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import type { Target } from './target.ts';

/** A call, as PostgreSQL writes conditions down; its name is quoted where it has to be. */
const CALL = /("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\(/gi;
const TEXT = /'(?:[^']|'')*'/g;

/**
 * A condition that answers anew each time it is asked cannot be shown first and then performed. What it calls is read from
 * PostgreSQL's own plan, in which functions of the language SQL are already written out.
 * @returns a refusal where the condition calls a volatile function
 */
export async function volatileRefusal(
  database: Reader,
  { name }: Pick<Rule, 'name'>,
  { table }: Target,
  where: Fragment,
): Promise<Refusal | undefined> {
  const question: Statement<{ 'QUERY PLAN': string }> =
    sql`EXPLAIN (VERBOSE, COSTS false) SELECT FROM ONLY ${table} WHERE ${where}`;
  const plan = (await database.rows(question)).map((line) => line['QUERY PLAN']).join('\n');
  const called = [...plan.replaceAll(TEXT, '').matchAll(CALL)].map(([, call = '']) => unquoted(call));
  const [found] = called.length === 0 ? [] : await database.rows(volatileAmong([...new Set(called)]));
  if (found === undefined) return undefined;
  return {
    detail: 'prune.where',
    reason: `the condition of the rule ${name} calls ${found.name}, which may answer anew each time (it is volatile)`,
    remediation: [
      'Write a condition that says the same of a row as long as the row stays the same.',
      `ALTER FUNCTION ${found.name} STABLE; -- where that is true of it`,
    ],
  };
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

const volatileAmong = (names: readonly string[]) => sql<{ name: string }>`
  SELECT oid::regprocedure::text AS name
    FROM pg_proc WHERE proname = ANY(${names}::text[]) AND provolatile = 'v' ORDER BY 1 LIMIT 1`;
