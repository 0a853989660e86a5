import type { Snapshot } from '../adapters/postgres.ts';
import { sql, type Statement } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { attempt } from './attempt.ts';
import type { Manifest } from './manifest.ts';
import { clusterFacts, controlFacts, databaseFacts, mayReadControl, walPosition } from './catalog-server.ts';
import { tableKey } from './table-name.ts';

/** What a database is made of, beside its rows. */
export type Catalog = Required<
  Pick<Manifest, 'sequences' | 'objects' | 'extensions' | 'roles' | 'tablespaces' | 'settings'>
> & {
  readonly server: Partial<Manifest['server']>;
  readonly lsn: string | undefined;
  /** What lies on the same server and is not in the backup, one line each. */
  readonly elsewhere: readonly string[];
  /** What the server would not tell, one line each. */
  readonly untold: readonly string[];
};

/** So many names say enough; the rest is counted. */
const SHOWN_DATABASES = 20;

/**
 * Reads in the snapshot of a dump what a person must know before a restore, and what can be held against one after it.
 * What the server does not tell, for want of a right or because a provider took it out, is named instead.
 * @throws MaintError where the snapshot is lost
 */
export async function readCatalog(snapshot: Snapshot): Promise<Catalog> {
  const untold: string[] = [];
  const rows = async <Row extends object>(what: string, statement: Statement<Row>): Promise<readonly Row[]> => {
    const answer = await attempt(snapshot, () => snapshot.rows(statement));
    if (!(answer instanceof MaintError)) return answer;
    untold.push(`${what}: ${answer.message}`);
    return [];
  };
  // First, for it moves on while everything else is read.
  const [wal] = await rows('position in the WAL', walPosition);
  const [database] = await rows('facts of the database', databaseFacts);
  const [cluster] = await rows('facts of the cluster', clusterFacts);
  const [may] = await rows('rights on pg_control', mayReadControl);
  const [control] = may?.isAllowed === true ? await rows('pg_control', controlFacts) : [];
  return {
    server: {
      ...(database && {
        collate: database.collate,
        ctype: database.ctype,
        sizeBytes: database.sizeBytes,
        ...(database.localeProvider !== null && { localeProvider: database.localeProvider }),
      }),
      ...(cluster?.dataChecksums != null && { dataChecksums: cluster.dataChecksums }),
      ...control,
    },
    lsn: wal?.lsn ?? undefined,
    sequences: Object.fromEntries(
      (await rows('sequences', sequences)).map(({ schema, name, value }) => [tableKey(schema, name), value]),
    ),
    objects: Object.fromEntries(
      [...(await rows('objects', objects)), ...(await rows('subscriptions', subscriptions))].map(({ kind, count }) => [
        kind,
        Number(count),
      ]),
    ),
    extensions: [...(await rows('extensions', extensions))],
    roles: (await rows('roles', roles)).map(({ name }) => name),
    tablespaces: (await rows('tablespaces', tablespaces)).map(({ name }) => name),
    settings: (await rows('settings', settings)).map(readSetting),
    elsewhere: elsewhereOf((await rows('databases', databases)).map(({ name }) => name)),
    untold,
  };
}

function elsewhereOf(names: readonly string[]): readonly string[] {
  const shown = names.slice(0, SHOWN_DATABASES).map((name) => `the database ${name} of the same server`);
  const more = names.length - shown.length;
  return more > 0 ? [...shown, `${more} more databases of the same server`] : shown;
}

/** Names behind which people keep what nobody may read; settings of their own have a dot in their name. */
const SECRET = /pass|secret|token|key|credential|auth|jwt|cert|dsn|url|conninfo|salt|private/i;
/** Names of PostgreSQL itself that only look like it. */
const HARMLESS = new Set(['password_encryption', 'scram_iterations', 'jit_expressions']);

interface SettingRow {
  readonly role: string | null;
  readonly setting: string;
}

/** The manifest is not encrypted: a value that may be a secret stays out of it. It is in the dump. */
export function readSetting({ role, setting }: SettingRow): NonNullable<Manifest['settings']>[number] {
  const [, name = setting, value = ''] = /^([^=]*)=([^]*)$/.exec(setting) ?? [];
  const isHidden = (SECRET.test(name) && !HARMLESS.has(name)) || /:\/\/[^/]*:[^/]*@/.test(value);
  return { role, name, value: isHidden ? null : value };
}

/** Only schemas that pg_dump dumps, and nothing that an extension brings along. */
const sequences = sql<{ schema: string; name: string; value: string | null }>`
  SELECT n.nspname::text AS schema, c.relname::text AS name,
         CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE')
                   AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
              THEN pg_sequence_last_value(c.oid)::text END AS value
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
   ORDER BY 1, 2`;

const objects = sql<{ kind: string; count: string }>`
  WITH spaces AS (
    SELECT oid FROM pg_namespace WHERE left(nspname, 3) <> 'pg_' AND nspname <> 'information_schema'
  ), owned AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
  ), relations AS (
    SELECT oid, relkind
      FROM pg_class
     WHERE relnamespace IN (SELECT oid FROM spaces) AND relpersistence <> 't'
       AND oid NOT IN (SELECT objid FROM owned WHERE classid = 'pg_class'::regclass)
  )
  SELECT CASE relkind WHEN 'r' THEN 'tables' WHEN 'p' THEN 'partitionedTables' WHEN 'v' THEN 'views'
                      WHEN 'm' THEN 'materializedViews' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'foreignTables' END AS kind,
         count(*)::text AS count
    FROM relations
   WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
   GROUP BY 1
  UNION ALL SELECT 'schemas', count(*)::text FROM spaces
  UNION ALL SELECT 'indexes', count(*)::text FROM pg_index WHERE indrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'constraints', count(*)::text FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'triggers', count(*)::text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'policies', count(*)::text FROM pg_policy WHERE polrelid IN (SELECT oid FROM relations)
  UNION ALL SELECT 'functions', count(*)::text
              FROM pg_proc
             WHERE pronamespace IN (SELECT oid FROM spaces)
               AND oid NOT IN (SELECT objid FROM owned WHERE classid = 'pg_proc'::regclass)
  UNION ALL SELECT 'eventTriggers', count(*)::text FROM pg_event_trigger
  UNION ALL SELECT 'publications', count(*)::text FROM pg_publication
  UNION ALL SELECT 'largeObjects', count(*)::text FROM pg_largeobject_metadata
   ORDER BY 1`;

/** Apart from the others, for a provider may have taken the right away. */
const subscriptions = sql<{ kind: string; count: string }>`
  SELECT 'subscriptions' AS kind, count(subname)::text AS count
    FROM pg_subscription
   WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`;

const extensions = sql<{ name: string; version: string }>`
  SELECT extname::text AS name, extversion AS version FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1`;

/** Owners and grantees: pg_shdepend holds them all but the role that made the cluster, which it takes for granted. */
const roles = sql<{ name: string }>`
  WITH named AS (
    SELECT refobjid AS oid
      FROM pg_shdepend
     WHERE refclassid = 'pg_authid'::regclass
       AND (dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            OR (classid = 'pg_database'::regclass
                AND objid = (SELECT oid FROM pg_database WHERE datname = current_database())))
     UNION SELECT datdba FROM pg_database WHERE datname = current_database()
     UNION SELECT relowner FROM pg_class WHERE oid >= 16384
     UNION SELECT proowner FROM pg_proc WHERE oid >= 16384
     UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384
  )
  SELECT rolname::text AS name FROM pg_roles WHERE oid IN (SELECT oid FROM named) AND left(rolname, 3) <> 'pg_' ORDER BY 1`;

const tablespaces = sql<{ name: string }>`
  SELECT spcname::text AS name
    FROM pg_tablespace
   WHERE spcname NOT IN ('pg_default', 'pg_global')
     AND (oid IN (SELECT reltablespace FROM pg_class)
          OR oid = (SELECT dattablespace FROM pg_database WHERE datname = current_database()))
   ORDER BY 1`;

const settings = sql<SettingRow>`
  SELECT r.rolname::text AS role, unnest(s.setconfig) AS setting
    FROM pg_db_role_setting AS s
    LEFT JOIN pg_roles AS r ON r.oid = s.setrole
   WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
   ORDER BY 1 NULLS FIRST, 2`;

const databases = sql<{ name: string }>`
  SELECT datname::text AS name
    FROM pg_database
   WHERE datallowconn AND NOT datistemplate AND datname NOT IN (current_database(), 'postgres')
   ORDER BY 1`;
