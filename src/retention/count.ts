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
  /** False where the total is what statistics say. */
  readonly isTotalExact: boolean;
  /** Values of the age column, as JSON writes them; null where no row is doomed, or nobody counted. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** Primary keys of some of them, the oldest where an index tells them, as JSON. */
  readonly samples: readonly string[];
  /** The doomed rows of each table, by oid. */
  readonly perTarget: ReadonlyMap<string, number>;
}

/**
 * Counts what a rule would delete from all its tables. Where that takes an index and not all of the table, the total is what
 * statistics say.
 */
export async function countDoomed(database: Reader, targets: readonly Target[], doom: Doom): Promise<Counts> {
  let counts: Counts = {
    doomed: 0,
    total: 0,
    isExact: true,
    isTotalExact: true,
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

/**
 * Whether a rule would take more of a table than its author expects of it. That enough stays is proven by as many young rows as
 * it takes, or by counting all; never by statistics.
 */
export async function shareRefusals(
  database: Reader,
  counts: Counts,
  { rule, targets, doom }: { readonly rule: Rule; readonly targets: readonly Target[]; readonly doom: Doom },
): Promise<readonly Refusal[]> {
  if (counts.isTotalExact || counts.doomed === 0) return excess(counts, rule);
  const enough = Math.max(rule.keepAtLeast, Math.ceil(counts.doomed * (1 / rule.maxShare - 1)));
  if ((await countYoung(database, { targets, doom, enough })) >= enough) return [];
  let total = 0;
  for (const target of targets) total += (await countRows(database, target, amongOf(doom))).rows;
  return excess({ doomed: counts.doomed, total: Math.max(total, counts.doomed) }, rule);
}

/** Counts rows that are not old, up to as many as are enough. */
async function countYoung(
  database: Reader,
  { targets, doom, enough }: { readonly targets: readonly Target[]; readonly doom: Doom; readonly enough: number },
): Promise<number> {
  let young = 0;
  for (const { table, age, ageCast } of targets) {
    if (young >= enough) break;
    const [row] = await database.rows(sql<{ rows: number }>`
      SELECT count(*)::float8 AS rows
        FROM (SELECT FROM ONLY ${table} WHERE ${age} >= ${doom.cutoff.key}::${ageCast} AND ${amongOf(doom)}
                LIMIT ${enough - young}::int8) found`);
    young += row?.rows ?? 0;
  }
  return young;
}

function excess({ doomed: gone, total }: Pick<Counts, 'doomed' | 'total'>, rule: Rule): readonly Refusal[] {
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
    isTotalExact: all.isTotalExact && one.isTotalExact,
    oldest: all.oldest ?? one.oldest,
    newest: one.newest ?? all.newest,
    samples: [...all.samples, ...one.samples].slice(0, SAMPLES),
    perTarget: new Map([...all.perTarget, ...one.perTarget]),
  };
}

/** Below, counting all of a table takes no time. */
const MANY_ROWS = 100_000;

async function countIn(database: Reader, target: Target, doom: Doom): Promise<Counts> {
  const old = doomed(target, doom);
  const isTotalKnown = doom.among === undefined && target.isIndexed && (target.knownRows ?? 0) >= MANY_ROWS;
  const gone = isTotalKnown
    ? await countRows(database, target, old)
    : await countBoth(database, target, { where: old, among: amongOf(doom) });
  const total = gone.total ?? target.knownRows ?? 0;
  const samples = gone.isExact && gone.rows > 0 ? await database.rows(samplesOf(target, doom)) : [];
  return {
    doomed: gone.rows,
    total: Math.max(total, gone.rows),
    isExact: gone.isExact,
    isTotalExact: gone.isExact && !isTotalKnown,
    oldest: gone.oldest,
    newest: gone.newest,
    samples: samples.map(({ key }) => key),
    perTarget: new Map([[target.oid, gone.rows]]),
  };
}

interface Counted extends Pick<Counts, 'isExact' | 'oldest' | 'newest'> {
  readonly rows: number;
  /** Of the whole table, where that was counted too. */
  readonly total?: number;
}

async function countRows(database: Reader, target: Target, where: Fragment): Promise<Counted> {
  const { table, age } = target;
  const counted = await inTime(() =>
    database.rows(
      sql<Omit<Counted, 'isExact'>>`
        SELECT count(*)::float8 AS rows, to_json(min(${age})) #>> '{}' AS oldest, to_json(max(${age})) #>> '{}' AS newest
          FROM ONLY ${table} WHERE ${where}`,
    ),
  );
  if (counted !== undefined) return { ...counted, isExact: true };
  return { rows: await estimated(database, target, where), isExact: false, oldest: null, newest: null };
}

function amongOf({ among = fragment`true` }: Doom): Fragment {
  return among;
}

/** Counts the rows that meet a condition, and all that count, in one pass over the table. */
async function countBoth(
  database: Reader,
  target: Target,
  { where, among }: Readonly<Record<'where' | 'among', Fragment>>,
): Promise<Counted> {
  const { table, age } = target;
  const counted = await inTime(() =>
    database.rows(
      sql<Omit<Counted, 'isExact'>>`
        SELECT count(*) FILTER (WHERE ${where})::float8 AS rows, count(*) FILTER (WHERE ${among})::float8 AS total,
               to_json(min(${age}) FILTER (WHERE ${where})) #>> '{}' AS oldest,
               to_json(max(${age}) FILTER (WHERE ${where})) #>> '{}' AS newest
          FROM ONLY ${table}`,
    ),
  );
  if (counted !== undefined) return { ...counted, isExact: true };
  const total = await estimated(database, target, among);
  return { rows: await estimated(database, target, where), total, isExact: false, oldest: null, newest: null };
}

/** @returns undefined where it took too long */
async function inTime<Row extends object>(count: () => Promise<readonly Row[]>): Promise<Row | undefined> {
  try {
    return (await count())[0];
  } catch (error) {
    if (error instanceof MaintError && error.code === 'STATEMENT_TIMED_OUT') return undefined;
    throw error;
  }
}

/** As the planner thinks. */
async function estimated(database: Reader, { table }: Target, where: Fragment): Promise<number> {
  const [row] = await database.rows(
    sql<{ 'QUERY PLAN': unknown }>`EXPLAIN (FORMAT JSON) SELECT FROM ONLY ${table} WHERE ${where}`,
  );
  const [plan] = planShape.parse(row?.['QUERY PLAN']);
  return plan?.Plan['Plan Rows'] ?? 0;
}

const planShape = z.array(z.object({ Plan: z.object({ 'Plan Rows': z.number() }) }));

/** So many keys are shown. */
const SAMPLES = 5;

function samplesOf(target: Target, doom: Doom) {
  const names = target.primaryKey.length === 0 ? ['ctid'] : target.primaryKey;
  const columns = names.map((name) => fragment`${ident(name)}`).reduce((all, next) => fragment`${all}, ${next}`);
  // Without an index all of them would have to be sorted for that.
  const order = target.isIndexed ? fragment`ORDER BY ${target.age}` : fragment``;
  return sql<{ key: string }>`
    SELECT row_to_json(found)::text AS key
      FROM (SELECT ${columns} FROM ONLY ${target.table} WHERE ${doomed(target, doom)} ${order} LIMIT ${SAMPLES}) found`;
}
