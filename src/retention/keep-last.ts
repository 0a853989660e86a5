import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, type Fragment } from '../adapters/sql.ts';
import { plural } from '../base/units.ts';
import type { Narrowing, NarrowQuestion } from './narrow.ts';
import type { Refusal } from './refusal.ts';
import { namesRow, renamed } from './renamed.ts';
import type { KeepLast } from './rule-settings.ts';
import {
  hasIndexOn,
  indexFor,
  missingColumns,
  nameOfTable,
  sourceOf,
  tablesOf,
  type TableFacts,
} from './table-facts.ts';

/**
 * The newest rows of each key stay. How new a row is counts among the rows that the rule is about; those that are as old
 * as the last one to stay, stay too, and so do rows without a key.
 */
export async function narrowToLast(
  database: Reader,
  { rule, family, root, doom }: NarrowQuestion,
  keepLast: KeepLast,
): Promise<Narrowing | Refusal> {
  const { per, count } = keepLast;
  const missing = missingColumns(root, per);
  if (missing.length > 0)
    return {
      detail: 'prune.column',
      reason: `${rule.table} has no column ${missing.join(', ')}, which \`keepLast.per\` names`,
      remediation: ['Correct the rule: keepLast.per.'],
    };
  const parts = await tablesOf(
    database,
    family.targets.map(({ oid }) => oid),
  );
  const bare = parts.find((part) => !hasIndexOn(part, per));
  if (bare !== undefined) return unindexed(bare, [...per, rule.age]);
  const slow = parts.find((part) => !hasIndexOn(part, per, [rule.age]));
  return {
    where: fragment`${doom.where} AND ${ident(rule.age)} < ${lastToStay({ root, age: rule.age, where: doom.where }, keepLast)}`,
    lines: [
      `the newest ${plural(count, 'row')} of each ${per.join(', ')} stay`,
      ...(slow === undefined
        ? []
        : [`each row is compared with all of its key: ${indexFor(slow, [...per, rule.age])}`]),
    ],
  };
}

interface Ranked {
  readonly root: TableFacts;
  readonly age: string;
  readonly where: Fragment;
}

function lastToStay({ root, age, where }: Ranked, { per, count }: KeepLast): Fragment {
  return fragment`(SELECT maint_age
                     FROM (SELECT ${renamed(per)}, ${ident(age)} AS maint_age FROM ${sourceOf(root)} WHERE ${where}) ranked
                    WHERE ${namesRow(per)} AND maint_age IS NOT NULL
                    ORDER BY maint_age DESC OFFSET ${count - 1}::int8 LIMIT 1)`;
}

function unindexed(table: TableFacts, columns: readonly string[]): Refusal {
  return {
    detail: 'prune.unindexed',
    reason: `no index of ${nameOfTable(table)} leads with what \`keepLast.per\` names: each row would read all of the table`,
    remediation: [indexFor(table, columns)],
  };
}
