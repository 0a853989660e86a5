import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { plural } from '../base/units.ts';

/** One kind of right that a dump needs and the role lacks. */
interface MissingRight {
  readonly kind: 'schemas' | 'tables' | 'sequences' | 'row-level security' | 'large objects';
  /** One line that names what cannot be read. */
  readonly summary: string;
  /** SQL that gives the right, for the owner or a superuser to run. */
  readonly statements: readonly string[];
}

/** What a dump would read, and what stands in its way. */
interface Rights {
  /** Quoted as SQL needs it. */
  readonly role: string;
  readonly tables: number;
  readonly sequences: number;
  readonly missing: readonly MissingRight[];
}

/** A table or sequence that a dump would read. Names are quoted as SQL needs them. */
interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly isSequence: boolean;
  readonly isSchemaOpen: boolean;
  readonly isReadable: boolean;
  /** Does row-level security hide rows from this role? pg_dump then refuses the table. */
  readonly hidesRows: boolean;
}

interface Role {
  readonly role: string;
  readonly hiddenLargeObjects: number;
}

/**
 * Looks up every right that pg_dump needs for a whole dump, so that all that are missing can be named at once; pg_dump
 * itself stops at the first.
 * @throws MaintError when the database does not answer
 */
export async function readRights(database: Reader): Promise<Rights> {
  const [who] = await database.rows(ROLE);
  const relations = await database.rows(RELATIONS);
  const { role = 'the role', hiddenLargeObjects = 0 } = who ?? {};
  const sequences = relations.filter(({ isSequence }) => isSequence).length;
  return {
    role,
    tables: relations.length - sequences,
    sequences,
    missing: [
      ...closedSchemas(role, relations),
      ...unreadable(role, relations, false),
      ...unreadable(role, relations, true),
      ...hiddenRows(role, relations),
      ...largeObjects(role, hiddenLargeObjects),
    ],
  };
}

/**
 * Makes sure that the role may read all that a dump must hold.
 * @throws MaintError PERMISSION_MISSING that names everything that is missing, with the statements that mend it
 */
export async function requireRights(database: Reader): Promise<void> {
  const { role, missing } = await readRights(database);
  if (missing.length === 0) return;
  throw new MaintError('PERMISSION_MISSING', missing.map(({ summary }) => summary).join('; '), {
    detail: 'preflight.rights',
    hint:
      `Let a superuser run the statements below. From PostgreSQL 14 on, GRANT pg_read_all_data TO ${role}; does for ` +
      'schemas, tables and sequences what they do one by one, for future ones too.',
    commands: missing.flatMap(({ statements }) => statements),
  });
}

function closedSchemas(role: string, relations: readonly Relation[]): readonly MissingRight[] {
  const closed = relations.filter(({ isSchemaOpen }) => !isSchemaOpen);
  if (closed.length === 0) return [];
  const names = [...new Set(closed.map(({ schema }) => schema))].join(', ');
  return [
    {
      kind: 'schemas',
      summary: `${role} may not enter ${names}`,
      statements: [`GRANT USAGE ON SCHEMA ${names} TO ${role};`],
    },
  ];
}

function unreadable(role: string, relations: readonly Relation[], isSequence: boolean): readonly MissingRight[] {
  const ofKind = relations.filter((each) => each.isSequence === isSequence);
  const closed = ofKind.filter(({ isReadable }) => !isReadable);
  if (closed.length === 0) return [];
  const kind = isSequence ? 'sequence' : 'table';
  return [
    {
      kind: `${kind}s`,
      summary: `${role} may not read ${plural(closed.length, kind)}: ${listed(closed)}`,
      statements: grants(role, ofKind, { closed, word: kind.toUpperCase() }),
    },
  ];
}

/** One statement for each schema: all of it where nothing there can be read, else the names. */
function grants(
  role: string,
  relations: readonly Relation[],
  { closed, word }: { readonly closed: readonly Relation[]; readonly word: string },
): readonly string[] {
  const bySchema = Map.groupBy(closed, ({ schema }) => schema);
  return [...bySchema].map(([schema, members]) => {
    const there = relations.filter((each) => each.schema === schema);
    const isWhole = members.length > SHOWN && members.length === there.length;
    const what = isWhole ? `ALL ${word}S IN SCHEMA ${schema}` : `${word} ${members.map(fullName).join(', ')}`;
    return `GRANT SELECT ON ${what} TO ${role};`;
  });
}

function hiddenRows(role: string, relations: readonly Relation[]): readonly MissingRight[] {
  const hiding = relations.filter(({ hidesRows }) => hidesRows);
  if (hiding.length === 0) return [];
  return [
    {
      kind: 'row-level security',
      summary: `row-level security hides rows of ${plural(hiding.length, 'table')} from ${role}: ${listed(hiding)}`,
      statements: [`ALTER ROLE ${role} BYPASSRLS; -- as a superuser`],
    },
  ];
}

function largeObjects(role: string, hidden: number): readonly MissingRight[] {
  if (hidden === 0) return [];
  const grant =
    `SELECT format('GRANT SELECT ON LARGE OBJECT %s TO ${role.replaceAll(`'`, `''`)};', oid) ` +
    String.raw`FROM pg_largeobject_metadata \gexec`;
  return [
    {
      kind: 'large objects',
      summary: `${role} may not read ${plural(hidden, 'large object')}`,
      statements: [grant],
    },
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

/**
 * What pg_dump locks or reads: tables, partitioned ones and sequences outside the system schemas. Tables of an extension
 * come back with it and are no part of a dump, unless the extension says that they hold settings. Row-level security
 * counts where rows lie: on the leaves of a partitioned table, which is what pg_dump copies from, and not on its root.
 */
const RELATIONS = sql<Relation>`
  SELECT quote_ident(space.nspname)                                    AS schema,
         quote_ident(relation.relname)                                 AS name,
         relation.relkind = 'S'                                        AS "isSequence",
         has_schema_privilege(space.oid, 'USAGE')                      AS "isSchemaOpen",
         has_table_privilege(relation.oid, 'SELECT')                   AS "isReadable",
         relation.relkind = 'r' AND relation.relrowsecurity
           AND row_security_active(relation.oid)                       AS "hidesRows"
    FROM pg_class AS relation
    JOIN pg_namespace AS space ON space.oid = relation.relnamespace
   WHERE relation.relkind IN ('r', 'p', 'S')
     AND space.nspname !~ '^pg_' AND space.nspname <> 'information_schema'
     AND (NOT EXISTS (SELECT FROM pg_depend
                       WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'e')
          OR EXISTS (SELECT FROM pg_extension WHERE relation.oid = ANY (extconfig)))
   ORDER BY space.nspname, relation.relname`;
