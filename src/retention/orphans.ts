import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import type { Narrowing, NarrowQuestion } from './narrow.ts';
import type { Refusal } from './refusal.ts';
import { findRelation, type Relation } from './relation.ts';
import { allOf, namesRow, renamed } from './renamed.ts';
import type { OrphanOf } from './rule-settings.ts';
import { hasIndexOn, indexFor, nameOfTable, sourceOf } from './table-facts.ts';

/**
 * Only rows whose parent does not exist. Where there is no parent at all, a table was emptied or is being loaded, and no
 * row is called an orphan; each batch asks that anew.
 */
export async function narrowToOrphans(
  database: Reader,
  { root, doom }: NarrowQuestion,
  { table, key, references }: OrphanOf,
): Promise<Narrowing | Refusal> {
  const relation = await findRelation(database, { root, table, key, references, setting: 'orphanOf' });
  if ('reason' in relation) return relation;
  const parents = nameOfTable(relation.table);
  if (!hasIndexOn(relation.table, relation.references))
    return {
      detail: 'prune.unindexed',
      reason: `no index of ${parents} leads with ${relation.references.join(', ')}: each row would read all of it`,
      remediation: [indexFor(relation.table, relation.references)],
    };
  const [row] = await database.rows(sql<{ hasRows: boolean }>`SELECT EXISTS (${anyParent(relation)}) AS "hasRows"`);
  if (row?.hasRows !== true)
    return {
      detail: 'prune.orphans',
      reason: `${parents} is empty, so that every row would be an orphan`,
      remediation: [`Find out what became of ${parents}.`, 'Leave the rule out while it is being loaded.'],
    };
  return {
    where: fragment`${doom.where} AND EXISTS (${anyParent(relation)}) AND ${hasNoParent(relation, key)}`,
    lines: [`only rows whose ${key.join(', ')} names no row of ${parents}`],
  };
}

function anyParent({ table }: Relation): Fragment {
  return fragment`SELECT FROM ${sourceOf(table)}`;
}

function hasNoParent({ table, references }: Relation, key: readonly string[]): Fragment {
  const isKnown = key.map((name) => fragment`${ident(name)} IS NOT NULL`);
  return fragment`${allOf(isKnown)} AND NOT EXISTS (
    SELECT FROM (SELECT ${renamed(references)} FROM ${sourceOf(table)}) parent WHERE ${namesRow(key)})`;
}
