import type { Reader } from '../adapters/postgres.ts';
import type { Refusal } from './refusal.ts';
import { findTable, isTable, missingColumns, nameOfTable, primaryKeyOf, type TableFacts } from './table-facts.ts';

/** How a rule names rows of another table. */
export interface RelationQuestion {
  /** The table of the rule. */
  readonly root: TableFacts;
  /** The other table, as SQL would name it. */
  readonly table: string;
  /** Columns of the rule's table. */
  readonly key: readonly string[];
  /** The columns there that they name; its primary key where undefined. */
  readonly references: readonly string[] | undefined;
  /** Columns there that are read besides. */
  readonly also?: readonly string[];
  /** What the setting is called. */
  readonly setting: string;
}

/** Another table that rows of the rule's table name by these columns. */
export interface Relation {
  readonly table: TableFacts;
  readonly references: readonly string[];
}

/** Looks up the other table of a rule. @returns a refusal where it is not there, cannot be read, or the columns do not fit */
export async function findRelation(database: Reader, question: RelationQuestion): Promise<Relation | Refusal> {
  const { setting, key, also = [] } = question;
  const table = await findTable(database, question.table);
  const refuse = (reason: string, ...remediation: readonly string[]): Refusal => ({
    detail: 'prune.relation',
    reason,
    remediation: remediation.length === 0 ? [`Correct the rule: ${setting}.`] : remediation,
  });
  if (table === undefined) return refuse(`there is no table ${question.table}, which \`${setting}\` names`);
  const name = nameOfTable(table);
  if (!isTable(table)) return refuse(`${name} is no table`);
  if (!table.privileges.includes('SELECT'))
    return refuse(`the role may not read ${name}`, `GRANT SELECT ON ${name} TO the role in the database URL;`);
  if (table.isRowSecured)
    return refuse(
      `row-level security hides rows of ${name} from the role, so that nobody can say which are missing`,
      'ALTER ROLE the role in the database URL BYPASSRLS;',
    );
  const references = question.references ?? primaryKeyOf(table);
  if (references === undefined) return refuse(`${name} has no primary key`, `Name its columns: ${setting}.references.`);
  if (references.length !== key.length)
    return refuse(`${key.join(', ')} cannot name ${references.join(', ')} of ${name}: they are not as many`);
  const missing = [...missingColumns(question.root, key), ...missingColumns(table, [...references, ...also])];
  if (missing.length > 0) return refuse(`there is no column ${missing.join(', ')}, which \`${setting}\` names`);
  return { table, references };
}
