import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { formatCount, formatShare } from '../base/units.ts';
import { doomed, type Doom } from './doomed.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import type { Target } from './target.ts';

/** How many rows a rule is about. */
export interface Counts {
  readonly doomed: number;
  readonly total: number;
  /** False where counting took too long and the planner's estimate stands in. */
  readonly isExact: boolean;
  /** Values of the age column, as JSON writes them; null where no row is doomed, or nobody counted. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** Primary keys of some of the oldest, as JSON. */
  readonly samples: readonly string[];
  /** The doomed rows of each table, by oid. */
  readonly perTarget: ReadonlyMap<string, number>;
}

/** Counts what a rule would delete from all its tables. */
export async function countDoomed(database: Reader, targets: readonly Target[], doom: Doom): Promise<Counts> {
  let counts: Counts = {
    doomed: 0,
    total: 0,
    isExact: true,
    oldest: null,
    newest: null,
    samples: [],
    perTarget: new Map(),
  };
  for (const target of targets) counts = sum(counts, await countIn(database, target, doom));
  return counts;
}

/** How many rows a rule still finds; a statement per table. */
export async function countLeft(database: Reader, targets: readonly Target[], doom: Doom): Promise<number> {
  let left = 0;
  for (const target of targets) left += (await countRows(database, target, doomed(target, doom))).rows;
  return left;
}

/** @returns refusals where a rule would take more of a table than its author expects of it */
export function shareRefusals({ doomed: gone, total }: Counts, rule: Rule): readonly Refusal[] {
  const { table, maxShare, keepAtLeast } = rule;
  const stay = Math.max(0, total - gone);
  const share = total === 0 ? 0 : gone / total;
  if (gone > 0 && stay < keepAtLeast)
    return [
      {
        detail: stay === 0 ? 'prune.empties' : 'prune.floor',
        reason:
          stay === 0
            ? `this would empty ${table}: all ${formatCount(gone)} rows are old`
            : `of ${table} only ${formatCount(stay)} rows would stay, at least ${formatCount(keepAtLeast)} must`,
        remediation: [
          'Find out whether the application still writes to it.',
          'Set `keepAtLeast` of the rule lower, and `maxShare` higher, where this is meant.',
        ],
      },
    ];
  if (share <= maxShare) return [];
  return [
    {
      detail: 'prune.share',
      reason: `${formatShare(share)} of ${table} would go (${formatCount(gone)} of ${formatCount(total)} rows), at most ${formatShare(maxShare)} may`,
      remediation: ['Check `age`, `olderThan` and `where` of the rule; raise `maxShare` where this is meant.'],
    },
  ];
}

function sum(all: Counts, one: Counts): Counts {
  return {
    doomed: all.doomed + one.doomed,
    total: all.total + one.total,
    isExact: all.isExact && one.isExact,
    oldest: all.oldest ?? one.oldest,
    newest: one.newest ?? all.newest,
    samples: [...all.samples, ...one.samples].slice(0, SAMPLES),
    perTarget: new Map([...all.perTarget, ...one.perTarget]),
  };
}

async function countIn(database: Reader, target: Target, doom: Doom): Promise<Counts> {
  const gone = await countRows(database, target, doomed(target, doom));
  const all = await countRows(database, target, fragment`true`);
  const samples = gone.isExact && gone.rows > 0 ? await database.rows(samplesOf(target, doom)) : [];
  return {
    doomed: gone.rows,
    total: Math.max(all.rows, gone.rows),
    isExact: gone.isExact && all.isExact,
    oldest: gone.oldest,
    newest: gone.newest,
    samples: samples.map(({ key }) => key),
    perTarget: new Map([[target.oid, gone.rows]]),
  };
}

interface Counted extends Pick<Counts, 'isExact' | 'oldest' | 'newest'> {
  readonly rows: number;
}

async function countRows(database: Reader, { table, age }: Target, where: Fragment): Promise<Counted> {
  try {
    const [row] = await database.rows(
      sql<{ rows: number; oldest: string | null; newest: string | null }>`
        SELECT count(*)::float8 AS rows, to_json(min(${age})) #>> '{}' AS oldest, to_json(max(${age})) #>> '{}' AS newest
          FROM ONLY ${table} WHERE ${where}`,
    );
    return { rows: row?.rows ?? 0, isExact: true, oldest: row?.oldest ?? null, newest: row?.newest ?? null };
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'STATEMENT_TIMED_OUT') throw error;
    const [row] = await database.rows(
      sql<{ 'QUERY PLAN': unknown }>`EXPLAIN (FORMAT JSON) SELECT FROM ONLY ${table} WHERE ${where}`,
    );
    const [plan] = planShape.parse(row?.['QUERY PLAN']);
    return { rows: plan?.Plan['Plan Rows'] ?? 0, isExact: false, oldest: null, newest: null };
  }
}

const planShape = z.array(z.object({ Plan: z.object({ 'Plan Rows': z.number() }) }));

/** So many keys are shown. */
const SAMPLES = 5;

function samplesOf(target: Target, doom: Doom) {
  const names = target.primaryKey.length === 0 ? ['ctid'] : target.primaryKey;
  const columns = names.map((name) => fragment`${ident(name)}`).reduce((all, next) => fragment`${all}, ${next}`);
  return sql<{ key: string }>`
    SELECT row_to_json(found)::text AS key
      FROM (SELECT ${columns} FROM ONLY ${target.table}
             WHERE ${doomed(target, doom)} ORDER BY ${target.age} LIMIT ${SAMPLES}) found`;
}
