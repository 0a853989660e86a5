import type { Reader } from '../adapters/postgres.ts';
import { condition, fragment, ident, sql } from '../adapters/sql.ts';
import type { Child } from './mark-rows.ts';
import { companionsOf, consentRefusals, findReferences, unindexedRefusals } from './references.ts';
import { judged, type Refusal } from './refusal.ts';
import type { StripChild } from './rule-settings.ts';
import type { Rule } from './settings.ts';
import {
  findTable,
  hasIndexOn,
  indexFor,
  isTable,
  isUniqueKey,
  missingColumns,
  nameOfTable,
  primaryKeyOf,
  type TableFacts,
} from './table-facts.ts';

/** A table whose rows go with the mark, and what stands in the way. */
interface LookedChild {
  readonly child: Child;
  readonly refusals: readonly Refusal[];
  readonly companions: readonly string[];
  readonly line: string;
}

/** Looks at a table whose rows go when the rows that they name are stripped. @returns a refusal where it cannot be used */
export async function lookAtChild(
  database: Reader,
  { rule, root }: { readonly rule: Rule; readonly root: TableFacts },
  setting: StripChild,
): Promise<LookedChild | Refusal> {
  const table = await findTable(database, setting.table);
  const own = primaryKeyOf(root);
  const references = setting.references ?? (own?.length === 1 ? own[0] : undefined);
  const refuse = (reason: string, ...remediation: readonly string[]): Refusal => ({
    detail: 'prune.strip',
    reason,
    remediation: remediation.length === 0 ? ['Correct the rule: strip.children.'] : remediation,
  });
  if (table === undefined || !isTable(table))
    return refuse(`there is no table ${setting.table}, which \`strip\` names`);
  const name = nameOfTable(table);
  if (references === undefined)
    return refuse(
      `${nameOfTable(root)} has no primary key of one column`,
      'Name its column: strip.children[].references.',
    );
  const missing = [...missingColumns(table, [setting.key]), ...missingColumns(root, [references])];
  if (missing.length > 0) return refuse(`there is no column ${missing.join(', ')}, which \`strip\` names`);
  if (!isUniqueKey(root, [references]))
    return refuse(
      `${nameOfTable(root)}.${references} is not unique: children of rows that are not old would go too`,
      'Name a unique column: strip.children[].references.',
    );
  if (!['SELECT', 'DELETE'].every((right) => table.privileges.some((one) => one === right)))
    return refuse(
      `the role may not delete from ${name}`,
      `GRANT SELECT, DELETE ON ${name} TO the role in the database URL;`,
    );
  if (table.isRowSecured)
    return refuse(
      `row-level security hides rows of ${name} from the role`,
      'ALTER ROLE the role in the database URL BYPASSRLS;',
    );
  if (!hasIndexOn(table, [setting.key]))
    return {
      ...refuse(
        `no index of ${name} leads with ${setting.key}: each batch would read all of it`,
        indexFor(table, [setting.key]),
      ),
      detail: 'prune.unindexed',
    };
  const where = condition(setting.where ?? 'true');
  if (where === undefined) return refuse(`the condition on ${name} is not one boolean expression`);
  const tried = await judged(
    () => database.rows(sql<object>`SELECT FROM ${ident(table.schema, table.name)} WHERE ${where} LIMIT 0`),
    (said) => refuse(`the condition on ${name} is not usable: ${said}`),
  );
  if ('refusal' in tried) return tried.refusal;
  return {
    child: {
      table: fragment`${ident(table.schema, table.name)}`,
      key: ident(setting.key),
      references: ident(references),
      where,
    },
    ...(await reachOf(database, table, rule)),
    line: `rows of ${name} whose ${setting.key} names one of them go${setting.where === undefined ? '' : ` where ${setting.where}`}`,
  };
}

/** What deleting from a child reaches in turn. */
async function reachOf(
  database: Reader,
  table: TableFacts,
  rule: Rule,
): Promise<Pick<LookedChild, 'refusals' | 'companions'>> {
  const parts = await database.rows(sql<{ oid: string }>`
    SELECT ${table.oid} AS oid UNION SELECT relid::oid::text FROM pg_partition_tree(${table.oid}::oid::regclass)`);
  const oids = parts.map(({ oid }) => oid);
  const references = await findReferences(database, { oids, targets: [] });
  const cascaded = companionsOf(references);
  const keeping = references.filter(
    ({ onDelete, isEmpty }) => !isEmpty && (onDelete === 'NO ACTION' || onDelete === 'RESTRICT'),
  );
  return {
    companions: [...oids, ...cascaded],
    refusals: [
      ...unindexedRefusals(references),
      ...keeping.map(({ child, constraint, onDelete }) => ({
        detail: 'prune.blocked',
        reason: `rows of ${child} may refer to rows of ${nameOfTable(table)}, and ${constraint} (ON DELETE ${onDelete}) keeps those`,
        remediation: [
          `Leave ${nameOfTable(table)} out of \`strip.children\`, or make ${constraint} ON DELETE CASCADE.`,
        ],
      })),
      ...(await consentRefusals(database, { oids: [...oids, ...cascaded], event: 'DELETE', rule })),
    ],
  };
}
