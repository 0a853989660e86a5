import type { Reader } from '../adapters/postgres.ts';
import { sql, type Fragment } from '../adapters/sql.ts';
import { doomed, type Doom } from './doomed.ts';
import { narrowToLast } from './keep-last.ts';
import { narrowToOrphans } from './orphans.ts';
import { narrowByPlan, type PlanCutoffs } from './plan-ages.ts';
import { judged, type Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import type { TableFacts } from './table-facts.ts';
import type { Family } from './target.ts';

/** A rule whose age and condition are known already, and the table that it names. */
export interface NarrowQuestion {
  readonly rule: Rule;
  readonly family: Family;
  readonly root: TableFacts;
  readonly doom: Doom;
  /** Where the age depends on a plan. */
  readonly cutoffs?: PlanCutoffs | undefined;
}

/** A condition that leaves out more rows, together with the one before it, and what a dry run says of it. */
export interface Narrowing {
  readonly where: Fragment;
  readonly lines: readonly string[];
}

/** Leaves out the rows that a rule does not mean for another reason than their age and its condition. */
export async function narrow(
  database: Reader,
  { rule, family, root, doom, cutoffs }: NarrowQuestion,
): Promise<Narrowing | Refusal> {
  let narrowed: Narrowing = { where: doom.where, lines: [] };
  for (const step of stepsOf(rule, cutoffs)) {
    const answer = await step(database, { rule, family, root, doom: { ...doom, where: narrowed.where } });
    if ('reason' in answer) return answer;
    narrowed = { where: answer.where, lines: [...narrowed.lines, ...answer.lines] };
  }
  return narrowed.lines.length === 0 ? narrowed : tried(database, narrowed, { rule, family, doom });
}

type NarrowStep = (database: Reader, question: NarrowQuestion) => Promise<Narrowing | Refusal>;

/** What is old enough comes last: the newest rows of a key are found among young and old. */
function stepsOf({ orphanOf, olderThan, keepLast }: Rule, cutoffs: PlanCutoffs | undefined): readonly NarrowStep[] {
  const steps: NarrowStep[] = [];
  if (orphanOf !== undefined) steps.push((database, question) => narrowToOrphans(database, question, orphanOf));
  if (keepLast !== undefined) steps.push((database, question) => narrowToLast(database, question, keepLast));
  if (typeof olderThan !== 'string' && cutoffs !== undefined)
    steps.push((database, question) => narrowByPlan(database, question, { ages: olderThan, cutoffs }));
  return steps;
}

/** Types that cannot be compared are found by PostgreSQL, without reading a row. */
async function tried(
  database: Reader,
  narrowed: Narrowing,
  { rule, family, doom }: Omit<NarrowQuestion, 'root'>,
): Promise<Narrowing | Refusal> {
  for (const target of family.targets) {
    const condition = doomed(target, { ...doom, where: narrowed.where });
    const answer = await judged(
      () => database.rows(sql<object>`SELECT FROM ONLY ${target.table} WHERE ${condition} LIMIT 0`),
      (said) => ({
        detail: 'prune.column',
        reason: `the columns that the rule ${rule.name} names do not fit: ${said}`,
        remediation: ['Correct the columns of `keepLast`, `orphanOf` and `olderThan`.'],
      }),
    );
    if ('refusal' in answer) return answer.refusal;
  }
  return narrowed;
}
