import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { formatCount } from '../base/units.ts';
import { cutoffOf, type AgeQuestion, type Cutoff } from './cutoff.ts';
import { doomed } from './doomed.ts';
import type { Narrowing, NarrowQuestion } from './narrow.ts';
import type { Refusal } from './refusal.ts';
import { findRelation } from './relation.ts';
import { namesRow, renamed } from './renamed.ts';
import { NEVER, type PlanAges } from './rule-settings.ts';
import type { Rule } from './settings.ts';
import { isUniqueKey, nameOfTable, sourceOf } from './table-facts.ts';

/** From which instant rows of each plan are old. */
export interface PlanCutoffs {
  /** Of the shortest age: no row is old that is younger. */
  readonly youngest: Cutoff;
  readonly byPlan: ReadonlyMap<string, Cutoff>;
}

type Question = Omit<AgeQuestion, 'rule'> & { readonly rule: Rule };

/** From which instant rows of a rule may be old, and from which they are where that depends on a plan. */
interface Ages {
  readonly cutoff: Cutoff;
  readonly cutoffs?: PlanCutoffs;
}

/** Counts the age of a rule back. @returns a refusal where PostgreSQL cannot, or an age lies beyond its bounds */
export async function readAges(database: Reader, question: Question): Promise<Ages | Refusal> {
  const { olderThan } = question.rule;
  if (typeof olderThan === 'string') {
    const cutoff = await cutoffOf(database, { ...question, rule: { ...question.rule, olderThan } });
    return 'reason' in cutoff ? cutoff : { cutoff };
  }
  const cutoffs = await planCutoffs(database, question, olderThan);
  return 'reason' in cutoffs ? cutoffs : { cutoff: cutoffs.youngest, cutoffs };
}

async function planCutoffs(
  database: Reader,
  question: Question,
  { map, min, max }: PlanAges,
): Promise<PlanCutoffs | Refusal> {
  const ask = (olderThan: string): Promise<Cutoff | Refusal> =>
    cutoffOf(database, { ...question, rule: { ...question.rule, olderThan } });
  const [shortest, longest] = [await ask(min), await ask(max)];
  if ('reason' in shortest) return shortest;
  if ('reason' in longest) return longest;
  const byPlan = new Map<string, Cutoff>();
  for (const [plan, age] of Object.entries(map).filter(([, each]) => each !== NEVER)) {
    const cutoff = await ask(age);
    if ('reason' in cutoff) return cutoff;
    if (instantOf(cutoff) > instantOf(shortest) || instantOf(cutoff) < instantOf(longest))
      return {
        detail: 'prune.interval',
        reason: `${age} for ${plan} is not between ${min} and ${max}`,
        remediation: ['Correct `olderThan.map`, or its bounds `min` and `max`.'],
      };
    byPlan.set(plan, cutoff);
  }
  const youngest = [...byPlan.values()].reduce((best, one) => (instantOf(one) > instantOf(best) ? one : best), longest);
  return { youngest, byPlan };
}

function instantOf({ at }: Cutoff): number {
  return Date.parse(at);
}

/** Leaves out the rows that are not old enough for their plan, or whose plan is none of the map. */
export async function narrowByPlan(
  database: Reader,
  question: NarrowQuestion,
  { ages, cutoffs }: { readonly ages: PlanAges; readonly cutoffs: PlanCutoffs },
): Promise<Narrowing | Refusal> {
  const { rule, root, doom, family } = question;
  const { from, key, references } = ages;
  const [, table = '', column = ''] = /^(.+)\.([^.]+)$/.exec(from) ?? [];
  const relation = await findRelation(database, {
    root,
    table,
    key: [key],
    references: references === undefined ? undefined : [references],
    also: [column],
    setting: 'olderThan',
  });
  if ('reason' in relation) return relation;
  if (!isUniqueKey(relation.table, relation.references))
    return {
      detail: 'prune.relation',
      reason: `${relation.references.join(', ')} of ${nameOfTable(relation.table)} is not unique: a row could have two plans`,
      remediation: ['Name a unique column as `olderThan.references`.'],
    };
  const [first] = family.targets;
  if (first === undefined) return { where: doom.where, lines: [] };
  const ofRow = (what: Fragment): Fragment => fragment`(
    SELECT ${what} FROM (SELECT ${renamed(relation.references)}, ${ident(column)}::text AS maint_plan
                           FROM ${sourceOf(relation.table)}) plans WHERE ${namesRow([key])})`;
  const cutoff = [...cutoffs.byPlan]
    .map(([plan, one]) => fragment`WHEN ${plan}::text THEN ${one.key}::${first.ageCast}`)
    .reduce((all, next) => fragment`${all} ${next}`);
  const isOld = fragment`${ident(rule.age)} < ${ofRow(fragment`CASE maint_plan ${cutoff} END`)}`;
  const counted = await countByPlan(database, question, { isOld, plan: ofRow(fragment`maint_plan`) });
  return { where: fragment`${doom.where} AND ${isOld}`, lines: linesOf(ages, counted) };
}

interface Counted {
  readonly plan: string | null;
  /** Older than the shortest age. */
  readonly rows: number;
  /** Old enough for the plan. */
  readonly old: number;
}

/** @returns undefined where counting took too long */
async function countByPlan(
  database: Reader,
  { family, doom }: NarrowQuestion,
  { plan, isOld }: { readonly plan: Fragment; readonly isOld: Fragment },
): Promise<readonly Counted[] | undefined> {
  const counts = new Map<string | null, Counted>();
  try {
    for (const target of family.targets) {
      const rows = await database.rows(sql<Counted>`
        SELECT plan, count(*)::float8 AS rows, (count(*) FILTER (WHERE is_old))::float8 AS old
          FROM (SELECT ${plan} AS plan, ${isOld} AS is_old FROM ONLY ${target.table} WHERE ${doomed(target, doom)}) found
         GROUP BY plan ORDER BY plan`);
      for (const { plan: name, rows: more, old } of rows) {
        const before = counts.get(name) ?? { plan: name, rows: 0, old: 0 };
        counts.set(name, { plan: name, rows: before.rows + more, old: before.old + old });
      }
    }
    return [...counts.values()];
  } catch (error) {
    if (error instanceof MaintError && error.code === 'STATEMENT_TIMED_OUT') return undefined;
    throw error;
  }
}

function linesOf({ map, from }: PlanAges, counted: readonly Counted[] | undefined): readonly string[] {
  if (counted === undefined) return [`how many rows each ${from} has could not be counted in time`];
  const known = Object.entries(map).map(([plan, age]) => {
    const { rows, old } = counted.find((one) => one.plan === plan) ?? { rows: 0, old: 0 };
    return age === NEVER
      ? `${plan}: never, ${formatCount(rows)} stay`
      : `${plan}: older than ${age}, ${formatCount(old)} go`;
  });
  const unknown = counted.filter(({ plan }) => plan === null || !Object.hasOwn(map, plan));
  return [
    ...known,
    ...unknown.map(
      ({ plan, rows }) =>
        `${plan === null ? `no ${from}` : `${plan} (not in the map)`}: never, ${formatCount(rows)} stay`,
    ),
  ];
}
