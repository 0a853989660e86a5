import type { Reader, ServerFacts } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('rights');

const NAME = 'schema maint';

/** May the role keep the tables by which several hosts agree on who runs what, and notice when one falls silent? */
export async function checkCoordination(
  database: Reader,
  { isStandby }: ServerFacts,
  { database: { coordination } }: Config,
): Promise<readonly Check[]> {
  if (coordination === 'off')
    return [ok(NAME, 'not used: database.coordination is off, the lock of this host decides')];
  if (isStandby) return [warn(NAME, `a standby cannot keep it: ${HOST_ONLY}; ${UNWATCHED}`, [OFF])];
  const [rights] = await database.rows(RIGHTS);
  return rights === undefined ? [] : [judge(rights)];
}

function judge(rights: Rights): Check {
  const { role, mayPrepare, missing, closed } = rights;
  const unmakeable = mayPrepare ? [] : missing;
  const lost = consequences([...closed, ...unmakeable]);
  if (lost !== '') {
    const what = closed.length > 0 ? `use ${named(closed)}` : `make ${named(unmakeable)}`;
    return warn(NAME, `${role} may not ${what}: ${lost}`, [...grants(rights, unmakeable), OFF]);
  }
  if (missing.length === TABLES) return ok(NAME, `${role} may make it at the first run`);
  return ok(NAME, `${role} may keep the claims and signs of life of several hosts there`);
}

function consequences(tables: readonly string[]): string {
  const isUnclaimed = tables.some((table) => table !== 'heartbeat');
  return [...(isUnclaimed ? [HOST_ONLY] : []), ...(tables.includes('heartbeat') ? [UNWATCHED] : [])].join('; ');
}

function grants({ role, databaseName, isThere, closed }: Rights, unmakeable: readonly string[]): readonly string[] {
  const use = closed.map((table) => `GRANT ${rightsOn(table)} ON maint.${table} TO ${role};`);
  const make = isThere
    ? `GRANT USAGE, CREATE ON SCHEMA maint TO ${role};`
    : `GRANT CREATE ON DATABASE ${databaseName} TO ${role};`;
  return [
    ...(use.length === 0 ? [] : [`GRANT USAGE ON SCHEMA maint TO ${role}; ${use.join(' ')}`]),
    ...(unmakeable.length === 0 ? [] : [make]),
  ];
}

/** A host that is gone for good is deleted there. */
function rightsOn(table: string): string {
  return table === 'heartbeat' ? 'SELECT, INSERT, UPDATE, DELETE' : 'SELECT, INSERT, UPDATE';
}

function named(tables: readonly string[]): string {
  return tables.map((table) => `maint.${table}`).join(', ');
}

const TABLES = 3;
const HOST_ONLY = 'runs are kept apart on this host only';
const UNWATCHED = 'no host notices when another one falls silent';
const OFF = 'Or say that one host is all there is: database.coordination: off';

interface Rights {
  /** Quoted. */
  readonly role: string;
  /** Quoted. */
  readonly databaseName: string;
  /** Is the schema there? */
  readonly isThere: boolean;
  /** May what is missing be made? */
  readonly mayPrepare: boolean;
  /** Tables that are not there yet. */
  readonly missing: readonly string[];
  /** Tables that are there, and may not be used. */
  readonly closed: readonly string[];
}

// The name of a table in a closed schema cannot be resolved, so the tables are looked up in the catalogue.
const RIGHTS = sql<Rights>`
  SELECT quote_ident(current_user)       AS role,
         quote_ident(current_database()) AS "databaseName",
         count(space.oid) > 0            AS "isThere",
         coalesce(bool_and(has_schema_privilege(space.oid, 'CREATE')),
                  has_database_privilege(current_database(), 'CREATE')) AS "mayPrepare",
         coalesce(array_agg(wanted.name) FILTER (WHERE relation.oid IS NULL), '{}') AS missing,
         coalesce(array_agg(wanted.name) FILTER (
           WHERE relation.oid IS NOT NULL
             AND NOT (has_schema_privilege(space.oid, 'USAGE')
                      AND (SELECT bool_and(has_table_privilege(relation.oid, needed)) FROM unnest(wanted.rights) AS needed))
         ), '{}') AS closed
    FROM (VALUES ('lease', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                 ('slot', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                 ('heartbeat', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])) AS wanted (name, rights)
    LEFT JOIN pg_namespace AS space ON space.nspname = 'maint'
    LEFT JOIN pg_class AS relation ON relation.relnamespace = space.oid AND relation.relname = wanted.name`;
