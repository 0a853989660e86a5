import type { Reader } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import { labelOf, type AppSetting } from './settings.ts';

/** The jobs of a schema, and what its layout can tell about them. */
interface JobsLayout {
  /** The column that says when a job was pruned; HotMesh has it from 0.10.2 on. */
  readonly hasPrunedAt: boolean;
  /** `updated_at` is the end of a job: a trigger keeps it, from 0.14.5 on. Before, it is its beginning. */
  readonly knowsEnd: boolean;
  /** Triggers on UPDATE that are not those of HotMesh. */
  readonly foreignTriggers: readonly string[];
}

/** A schema with tables of HotMesh. */
export interface Place {
  readonly schema: string;
  /** How reports call it. */
  readonly label: string;
  /** Only jobs of this application; undefined for all in the schema. */
  readonly appId?: string;
  readonly jobs?: JobsLayout;
  /** Tables of messages, whole: one up to 0.10, then one for engines and one for workers. */
  readonly streams: readonly string[];
  readonly hasDeadLetters: boolean;
}

/** Looks tables up by their columns, never by a rule for names: HotMesh itself has two such rules, which disagree. */
export async function findPlaces(database: Reader): Promise<readonly Place[]> {
  const schemas = Map.groupBy(await database.rows(TABLES), ({ schema }) => schema);
  return [...schemas].flatMap(([schema, tables]) => {
    const streams = tables.filter((table) => table.name.endsWith('streams') && isStream(table));
    const jobs = jobsOf(tables);
    if (jobs === undefined && streams.length === 0) return [];
    return {
      schema,
      label: schema,
      ...(jobs !== undefined && { jobs }),
      streams: streams.map(({ name }) => name),
      hasDeadLetters: streams.every(({ columns }) => columns.includes('dead_lettered_at')),
    };
  });
}

/** Is there a table of escalations? Applications up to 0.21 have none. */
export async function hasEscalations(database: Reader): Promise<boolean> {
  const [row] = await database.rows(
    sql<{ found: boolean }>`SELECT to_regclass('public.hmsh_escalations') IS NOT NULL AS found`,
  );
  return row?.found ?? false;
}

/** @returns the schemas that an application of the configuration has; none where there is no such thing */
export function placesOf(found: readonly Place[], app: AppSetting): readonly Place[] {
  const { schema, appId } = app;
  const names = schema === undefined ? namesOf(appId ?? '') : [schema];
  const places = found.filter((place) => names.includes(place.schema));
  return places.map((place) => ({
    ...place,
    label: places.length > 1 ? `${place.schema} (${appId})` : labelOf(app),
    ...(appId !== undefined && { appId }),
  }));
}

/** Both ways in which HotMesh makes a schema of an application's id: one for jobs, one for messages. */
function namesOf(appId: string): readonly string[] {
  const forJobs = appId
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replace(/_+$/, '')
    .slice(0, 63);
  return [forJobs, appId.replaceAll(/[^a-zA-Z0-9_]/g, '_').toLowerCase()];
}

function jobsOf(tables: readonly Table[]): JobsLayout | undefined {
  const jobs = tables.find(({ name }) => name === 'jobs');
  const attributes = tables.find(({ name }) => name === 'jobs_attributes');
  if (jobs === undefined || attributes === undefined || !attributes.isTyped) return undefined;
  if (!hasAll(jobs, ['id', 'key', 'entity', 'status', 'expired_at', 'is_live', 'updated_at'])) return undefined;
  if (!hasAll(attributes, ['job_id', 'value', 'type'])) return undefined;
  const { columns, keepsUpdatedAt: knowsEnd, foreignTriggers } = jobs;
  return { hasPrunedAt: columns.includes('pruned_at'), knowsEnd, foreignTriggers };
}

function isStream(table: Table): boolean {
  return hasAll(table, ['id', 'stream_name', 'message', 'created_at', 'reserved_at', 'expired_at']);
}

function hasAll({ columns }: Table, names: readonly string[]): boolean {
  return names.every((name) => columns.includes(name));
}

interface Table {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Its column `type` is an enum of HotMesh. */
  readonly isTyped: boolean;
  readonly keepsUpdatedAt: boolean;
  readonly foreignTriggers: readonly string[];
}

// Bit 4 of tgtype is UPDATE; a disabled trigger does not fire.
const TABLES = sql<Table>`
  SELECT n.nspname::text AS schema, c.relname::text AS name,
         ARRAY(SELECT attname::text FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
         EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                  WHERE a.attrelid = c.oid AND a.attname = 'type' AND t.typtype = 'e' AND t.typname = 'type_enum')
           AS "isTyped",
         EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                  WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgtype & 16) = 16
                    AND p.prosrc ~* 'new\\.updated_at') AS "keepsUpdatedAt",
         ARRAY(SELECT t.tgname::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgtype & 16) = 16
                  AND p.pronamespace <> n.oid ORDER BY 1) AS "foreignTriggers"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relname IN ('jobs', 'jobs_attributes', 'streams', 'engine_streams', 'worker_streams')
     AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   ORDER BY 1, 2`;
