import type { Reader, ServerFacts } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn } = verdictsOf('rights');

const NAME = 'schema maint';

/** May the role keep the two tables by which several hosts agree on who runs what? */
export async function checkCoordination(
  database: Reader,
  { isStandby }: ServerFacts,
  { database: { coordination } }: Config,
): Promise<readonly Check[]> {
  if (coordination === 'off')
    return [ok(NAME, 'not used: database.coordination is off, the lock of this host decides')];
  if (isStandby) return [warn(NAME, `a standby cannot keep it: ${HOST_ONLY}`, [OFF])];
  const [rights] = await database.rows(RIGHTS);
  if (rights === undefined) return [];
  const { role, isPrepared, mayPrepare, mayUse } = rights;
  if (isPrepared && mayUse) return [ok(NAME, `${role} may keep the claims of several hosts there`)];
  if (isPrepared)
    return [
      warn(NAME, `${role} may not use its tables: ${HOST_ONLY}`, [
        `GRANT USAGE ON SCHEMA maint TO ${role}; GRANT SELECT, INSERT, UPDATE ON maint.lease, maint.slot TO ${role};`,
        OFF,
      ]),
    ];
  if (mayPrepare) return [ok(NAME, `${role} may make it at the first run`)];
  return [warn(NAME, `${role} may not make it: ${HOST_ONLY}`, [creation(rights), OFF])];
}

function creation({ role, databaseName, isThere }: Rights): string {
  const inside = isThere ? ` GRANT USAGE, CREATE ON SCHEMA maint TO ${role};` : '';
  return `GRANT CREATE ON DATABASE ${databaseName} TO ${role};${inside}`;
}

const HOST_ONLY = 'runs are kept apart on this host only';
const OFF = 'Or say that one host is all there is: database.coordination: off';

interface Rights {
  /** Quoted. */
  readonly role: string;
  /** Quoted. */
  readonly databaseName: string;
  /** Is the schema there? */
  readonly isThere: boolean;
  /** And its tables? */
  readonly isPrepared: boolean;
  /** May the tables be made? */
  readonly mayPrepare: boolean;
  /** May they be used, where they are there? */
  readonly mayUse: boolean;
}

// The name of a table in a closed schema cannot be resolved, so the tables are looked up in the catalogue.
const RIGHTS = sql<Rights>`
  SELECT quote_ident(current_user)       AS role,
         quote_ident(current_database()) AS "databaseName",
         count(space.oid) > 0            AS "isThere",
         count(relation.oid) = 2         AS "isPrepared",
         has_database_privilege(current_database(), 'CREATE')
           AND coalesce(bool_and(has_schema_privilege(space.oid, 'CREATE')), true) AS "mayPrepare",
         coalesce(bool_and(has_schema_privilege(space.oid, 'USAGE')
                           AND has_table_privilege(relation.oid, 'SELECT')
                           AND has_table_privilege(relation.oid, 'INSERT')
                           AND has_table_privilege(relation.oid, 'UPDATE')), false) AS "mayUse"
    FROM (SELECT 'maint' AS name) AS wanted
    LEFT JOIN pg_namespace AS space ON space.nspname = wanted.name
    LEFT JOIN pg_class AS relation ON relation.relnamespace = space.oid AND relation.relname IN ('lease', 'slot')`;
