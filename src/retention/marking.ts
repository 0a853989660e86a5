import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, type Fragment } from '../adapters/sql.ts';
import type { Child, Marking } from './mark-rows.ts';
import { consentRefusals, findReferences, type Reference } from './references.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import { lookAtChild } from './strip-child.ts';
import { missingColumns, nameOfTable, type TableFacts } from './table-facts.ts';

/** The mark of a rule: what it becomes, and which rows do not have it yet. */
export interface Mark {
  readonly value: Fragment;
  readonly isUnset: Fragment;
}

/** Looks at the column that a rule marks. @returns undefined where the rule deletes */
export function readMark(rule: Rule, root: TableFacts): Mark | Refusal | undefined {
  const { mark, timezone } = rule;
  if (mark === undefined) return undefined;
  const column = root.columns.find(({ name }) => name === mark);
  const name = ident(mark);
  const isUnset = fragment`${name} IS NULL`;
  const refuse = (why: string, what: string): Refusal => ({
    detail: 'prune.mark',
    reason: `${rule.table}.${mark} ${why}`,
    remediation: [what],
  });
  if (column === undefined)
    return refuse('does not exist', `ALTER TABLE ${nameOfTable(root)} ADD COLUMN "${mark}" timestamptz;`);
  if (column.isGenerated) return refuse('is generated', 'Name a column that can be written as `mark`.');
  switch (column.typeName[1]) {
    case 'timestamptz':
      return { value: fragment`now()`, isUnset };
    case 'timestamp':
      if (timezone === undefined)
        return refuse('is a timestamp without time zone', 'Add `timezone` to the rule, such as UTC or Europe/Berlin.');
      return { value: fragment`now() AT TIME ZONE ${timezone}::text`, isUnset };
    case 'date':
      return { value: fragment`(now() AT TIME ZONE ${timezone ?? 'UTC'}::text)::date`, isUnset };
    case 'bool':
      return { value: fragment`true`, isUnset: fragment`${name} IS NOT TRUE` };
    default:
      return refuse(
        `has the type ${column.type}`,
        'Name a column of type timestamptz, timestamp, date or boolean as `mark`.',
      );
  }
}

/** What a rule changes in its rows, and what stands in the way. */
interface Looked {
  readonly marking: Marking;
  readonly refusals: readonly Refusal[];
  /** Oids of tables whose rows go. */
  readonly companions: readonly string[];
  readonly lines: readonly string[];
}

/** Looks at everything that is changed with the mark. */
export async function lookAtMarking(
  database: Reader,
  { rule, root, oids }: { readonly rule: Rule; readonly root: TableFacts; readonly oids: readonly string[] },
  mark: Mark,
): Promise<Looked> {
  const { columns: emptied = [], children = [] } = rule.strip ?? {};
  const refusals = [
    ...emptiedRefusals(root, emptied),
    ...referredRefusals(await findReferences(database, { oids, targets: [] }), emptied),
    ...(await consentRefusals(database, { oids, event: 'UPDATE', rule })),
  ];
  const found: Child[] = [];
  const companions: string[] = [];
  const lines = emptied.length === 0 ? [] : [`${emptied.join(', ')} become NULL`];
  for (const child of children) {
    const looked = await lookAtChild(database, { rule, root }, child);
    if ('reason' in looked) {
      refusals.push(looked);
      continue;
    }
    found.push(looked.child);
    companions.push(...looked.companions);
    refusals.push(...looked.refusals);
    lines.push(looked.line);
  }
  const marking = { mark: ident(rule.mark ?? ''), value: mark.value, emptied, children: found };
  return { marking, refusals, companions, lines };
}

/** What other rows refer to would change or stop them, as their foreign keys say ON UPDATE. */
function referredRefusals(references: readonly Reference[], emptied: readonly string[]): readonly Refusal[] {
  return references
    .filter(({ depth, parentColumns }) => depth === 1 && parentColumns.some((name) => emptied.includes(name)))
    .map(({ child, constraint, parentColumns }) => ({
      detail: 'prune.column',
      reason: `rows of ${child} refer to ${parentColumns.join(', ')} by ${constraint}, which \`strip.columns\` would empty`,
      remediation: ['Correct the rule: strip.columns.'],
    }));
}

function emptiedRefusals(root: TableFacts, emptied: readonly string[]): readonly Refusal[] {
  const missing = missingColumns(root, emptied);
  const fixed = root.columns.filter(
    ({ name, isNullable, isGenerated }) => emptied.includes(name) && (!isNullable || isGenerated),
  );
  return [
    ...missing.map((name) => [name, 'does not exist'] as const),
    ...fixed.map(({ name }) => [name, 'cannot be NULL'] as const),
  ].map(([name, why]) => ({
    detail: 'prune.column',
    reason: `${nameOfTable(root)}.${name}, which \`strip.columns\` names, ${why}`,
    remediation: ['Correct the rule: strip.columns.'],
  }));
}
