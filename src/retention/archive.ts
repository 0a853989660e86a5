import { join } from 'node:path';
import type { Reader } from '../adapters/postgres.ts';
import { ident, sql } from '../adapters/sql.ts';
import type { Action } from './action.ts';
import { fileRows } from './file-rows.ts';
import { moveRows } from './move-rows.ts';
import type { NarrowQuestion } from './narrow.ts';
import type { Reference } from './references.ts';
import { consentRefusals } from './references.ts';
import type { Refusal } from './refusal.ts';
import type { Archive } from './rule-settings.ts';
import {
  findTable,
  isTable,
  nameOfTable,
  primaryKeyOf,
  storedColumns,
  type ColumnFacts,
  type TableFacts,
} from './table-facts.ts';

/** How rows are archived, and what stands in the way. */
interface Archiving {
  readonly action?: Action;
  readonly refusals: readonly Refusal[];
  /** What a dry run says of it. */
  readonly lines: readonly string[];
}

/** Looks at where rows would go. */
export async function lookAtArchive(
  database: Reader,
  question: NarrowQuestion & { readonly references: readonly Reference[] },
  { table, directory }: Archive,
): Promise<Archiving> {
  const { rule, root } = question;
  if (!root.privileges.includes('UPDATE'))
    return refused({
      detail: 'prune.privilege',
      reason: `the role may not lock rows of ${nameOfTable(root)}`,
      remediation: [`GRANT SELECT, UPDATE, DELETE ON ${nameOfTable(root)} TO the role in the database URL;`],
    });
  const key = primaryKeyOf(root);
  if (key === undefined)
    return refused({
      detail: 'prune.archive',
      reason: `${rule.table} has no primary key, by which archived rows are told apart`,
      remediation: [`ALTER TABLE ${nameOfTable(root)} ADD PRIMARY KEY (...);`],
    });
  if (directory !== undefined) return intoFiles(database, question, { folder: join(directory, rule.name), key });
  return intoTable(database, question, table ?? '');
}

function refused(...refusals: readonly Refusal[]): Archiving {
  return { refusals, lines: [] };
}

async function intoFiles(
  database: Reader,
  { rule, root, references, doom }: NarrowQuestion & { readonly references: readonly Reference[] },
  { folder, key }: { readonly folder: string; readonly key: readonly string[] },
): Promise<Archiving> {
  const [here] = await database.rows(sql<{ name: string }>`SELECT current_database()::text AS name`);
  const columns = storedColumns(root).map(({ name, type }) => ({ name, type }));
  const head = {
    rule: rule.name,
    database: here?.name ?? '',
    table: nameOfTable(root),
    columns,
    key: [...key],
    age: rule.age,
    cutoff: doom.cutoff.at,
  };
  return {
    action: fileRows({ folder, root, head, references }),
    refusals: [],
    lines: [`each batch is written to a segment in ${folder} and read back before its rows go`],
  };
}

async function intoTable(
  database: Reader,
  { rule, root, family, references }: NarrowQuestion & { readonly references: readonly Reference[] },
  name: string,
): Promise<Archiving> {
  const archive = await findTable(database, name);
  const from = nameOfTable(root);
  if (archive === undefined || !isTable(archive))
    return refused({
      detail: 'prune.archive',
      reason: `there is no table ${name} to archive into`,
      remediation: [`CREATE TABLE ${name} (LIKE ${from});`],
    });
  const into = nameOfTable(archive);
  if (family.oids.includes(archive.oid))
    return refused({
      detail: 'prune.archive',
      reason: `${into} is the table that the rows leave, or a partition of it`,
      remediation: ['Correct the rule: archive.table.'],
    });
  if (!archive.isLogged)
    return refused({
      detail: 'prune.archive',
      reason: `${into} is unlogged or temporary, and loses its rows when the server crashes`,
      remediation: [`ALTER TABLE ${into} SET LOGGED;`],
    });
  if (!archive.privileges.includes('INSERT'))
    return refused({
      detail: 'prune.privilege',
      reason: `the role may not insert into ${into}`,
      remediation: [`GRANT INSERT ON ${into} TO the role in the database URL;`],
    });
  const columns = storedColumns(root);
  const refusals = [
    ...differences(columns, archive),
    ...(await consentRefusals(database, { oids: [archive.oid], event: 'INSERT', rule })),
  ];
  const names = columns.map((column) => column.name);
  return {
    action: moveRows({ into: ident(archive.schema, archive.name), name: into, columns: names, references }),
    refusals,
    lines: [`the rows come into ${into} in the same statement: ${names.join(', ')}`],
  };
}

/** What keeps a table from taking these columns as they are. */
function differences(columns: readonly ColumnFacts[], archive: TableFacts): readonly Refusal[] {
  const into = nameOfTable(archive);
  const refusal = (reason: string, statement: string): Refusal => ({
    detail: 'prune.archive',
    reason,
    remediation: [statement],
  });
  const unlike = columns.flatMap(({ name, type, isNullable }) => {
    const there = archive.columns.find((column) => column.name === name);
    if (there === undefined || there.isGenerated)
      return [
        refusal(`${into} has no column ${name} to write to`, `ALTER TABLE ${into} ADD COLUMN "${name}" ${type};`),
      ];
    if (there.type !== type)
      return [
        refusal(
          `${name} is ${type}, and ${there.type} in ${into}`,
          `ALTER TABLE ${into} ALTER COLUMN "${name}" TYPE ${type};`,
        ),
      ];
    if (isNullable && !there.isNullable)
      return [
        refusal(`${name} may be NULL, and not in ${into}`, `ALTER TABLE ${into} ALTER COLUMN "${name}" DROP NOT NULL;`),
      ];
    return [];
  });
  const needed = archive.columns.filter(
    ({ name, isRequired }) => isRequired && !columns.some((column) => column.name === name),
  );
  return [
    ...unlike,
    ...needed.map(({ name }) =>
      refusal(
        `${into} needs a value for ${name}, which the rows do not have`,
        `ALTER TABLE ${into} ALTER COLUMN "${name}" DROP NOT NULL;`,
      ),
    ),
  ];
}
