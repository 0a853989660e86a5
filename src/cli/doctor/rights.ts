import type { Reader } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import { plural } from '../../base/units.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, fail } = verdictsOf('rights');

/** A table or sequence that a dump would read, and what stands in its way. Names are quoted as SQL needs them. */
interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly isSequence: boolean;
  readonly isReadable: boolean;
  /** Does row-level security hide rows from this role? pg_dump then refuses the table. */
  readonly hidesRows: boolean;
}

interface Role {
  /** Quoted. */
  readonly role: string;
  readonly hiddenLargeObjects: number;
}

/** May the role read all that a dump must contain? Every missing right is named, with the statement that gives it. */
export async function checkRights(database: Reader): Promise<readonly Check[]> {
  const [who] = await database.rows(ROLE);
  const schemas = await database.rows(CLOSED_SCHEMAS);
  const relations = await database.rows(RELATIONS);
  const { role = 'the role', hiddenLargeObjects = 0 } = who ?? {};
  const problems = [
    ...closedSchemas(role, schemas),
    ...unreadable(role, relations),
    ...hiddenRows(role, relations),
    ...largeObjects(role, hiddenLargeObjects),
  ];
  if (problems.length > 0) return problems;
  const [sequences, tables] = [true, false].map((kind) => relations.filter(({ isSequence }) => isSequence === kind));
  const all = `all ${plural(tables?.length ?? 0, 'table')} and ${plural(sequences?.length ?? 0, 'sequence')}`;
  return [ok('reading', `${role} may read ${all}`)];
}

function closedSchemas(role: string, schemas: readonly { readonly schema: string }[]): readonly Check[] {
  if (schemas.length === 0) return [];
  const names = schemas.map(({ schema }) => schema).join(', ');
  return [fail('schemas', `${role} may not enter ${names}`, [`GRANT USAGE ON SCHEMA ${names} TO ${role};`])];
}

function unreadable(role: string, relations: readonly Relation[]): readonly Check[] {
  return [false, true].flatMap((isSequence) => {
    const closed = relations.filter((each) => each.isSequence === isSequence && !each.isReadable);
    if (closed.length === 0) return [];
    const kind = isSequence ? 'sequence' : 'table';
    const summary = `${role} may not read ${plural(closed.length, kind)}: ${listed(closed)}`;
    return [fail(`${kind}s`, summary, grants(role, relations, { closed, isSequence }))];
  });
}

/** One statement for each schema: all of it where nothing there can be read, else the names. */
function grants(
  role: string,
  relations: readonly Relation[],
  { closed, isSequence }: { readonly closed: readonly Relation[]; readonly isSequence: boolean },
): readonly string[] {
  const word = isSequence ? 'SEQUENCE' : 'TABLE';
  const bySchema = Map.groupBy(closed, ({ schema }) => schema);
  return [...bySchema].map(([schema, members]) => {
    const there = relations.filter((each) => each.schema === schema && each.isSequence === isSequence);
    const isWhole = members.length > SHOWN && members.length === there.length;
    const what = isWhole ? `ALL ${word}S IN SCHEMA ${schema}` : `${word} ${members.map(fullName).join(', ')}`;
    return `GRANT SELECT ON ${what} TO ${role};`;
  });
}

function hiddenRows(role: string, relations: readonly Relation[]): readonly Check[] {
  const hiding = relations.filter(({ hidesRows }) => hidesRows);
  if (hiding.length === 0) return [];
  const summary = `row-level security hides rows of ${plural(hiding.length, 'table')} from ${role}: ${listed(hiding)}`;
  return [fail('row-level security', summary, [`ALTER ROLE ${role} BYPASSRLS; -- as a superuser`])];
}

function largeObjects(role: string, hidden: number): readonly Check[] {
  if (hidden === 0) return [];
  return [
    fail('large objects', `${role} may not read ${plural(hidden, 'large object')}`, [
      `SELECT format('GRANT SELECT ON LARGE OBJECT %s TO ${role.replaceAll(`'`, `''`)};', oid) ` +
        String.raw`FROM pg_largeobject_metadata \gexec`,
    ]),
  ];
}

/** Names in a summary; the statements carry the rest. */
const SHOWN = 10;

function listed(relations: readonly Relation[]): string {
  const names = relations.slice(0, SHOWN).map(fullName).join(', ');
  return relations.length > SHOWN ? `${names} and ${relations.length - SHOWN} more` : names;
}

function fullName({ schema, name }: Relation): string {
  return `${schema}.${name}`;
}

const ROLE = sql<Role>`
  SELECT quote_ident(current_user) AS role,
         (SELECT count(*)::int
            FROM pg_largeobject_metadata AS lo
           WHERE current_setting('lo_compat_privileges') = 'off'
             AND NOT pg_has_role(lo.lomowner, 'USAGE')
             AND NOT EXISTS (SELECT FROM aclexplode(lo.lomacl) AS acl
                              WHERE acl.privilege_type = 'SELECT'
                                AND CASE acl.grantee WHEN 0 THEN true ELSE pg_has_role(acl.grantee, 'USAGE') END)
         ) AS "hiddenLargeObjects"`;

const CLOSED_SCHEMAS = sql<{ schema: string }>`
  SELECT quote_ident(nspname) AS schema
    FROM pg_namespace
   WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
     AND NOT has_schema_privilege(oid, 'USAGE')
     AND EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_namespace.oid AND relkind IN ('r', 'p', 'S'))
   ORDER BY nspname`;

// Tables of an extension come back with it and are no part of a dump, unless the extension says that they hold settings.
const RELATIONS = sql<Relation>`
  SELECT quote_ident(space.nspname)             AS schema,
         quote_ident(relation.relname)          AS name,
         relation.relkind = 'S'                 AS "isSequence",
         has_table_privilege(relation.oid, 'SELECT') AS "isReadable",
         relation.relrowsecurity AND row_security_active(relation.oid) AS "hidesRows"
    FROM pg_class AS relation
    JOIN pg_namespace AS space ON space.oid = relation.relnamespace
   WHERE relation.relkind IN ('r', 'p', 'S')
     AND space.nspname !~ '^pg_' AND space.nspname <> 'information_schema'
     AND (NOT EXISTS (SELECT FROM pg_depend
                       WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'e')
          OR EXISTS (SELECT FROM pg_extension WHERE relation.oid = ANY (extconfig)))
   ORDER BY space.nspname, relation.relname`;
