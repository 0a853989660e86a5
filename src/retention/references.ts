import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { doomed, type Doom } from './doomed.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import type { Family } from './target.ts';

/** A foreign key through which a deletion reaches, or is stopped by, another table. */
export interface Reference {
  /** 1 for a child of the rule's table, 2 for a child of that, and so on. */
  readonly depth: number;
  readonly constraint: string;
  readonly parentOid: string;
  readonly child: string;
  readonly childSchema: string;
  readonly childName: string;
  readonly childOid: string;
  readonly onDelete: 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT';
  readonly columns: readonly string[];
  readonly parentColumns: readonly string[];
  readonly isIndexed: boolean;
  /** Certainly without rows. */
  readonly isEmpty: boolean;
  /** Policies hide rows of it from the role; a foreign key reaches them all the same. */
  readonly isRowSecured: boolean;
}

/** Every foreign key that a deletion from the family follows, as deep as it cascades. */
export async function findReferences(database: Reader, { oids }: Family): Promise<readonly Reference[]> {
  return database.rows(referencesOf(oids));
}

/** Tables whose rows are deleted or changed with those that they refer to. */
export function companionsOf(references: readonly Reference[]): readonly string[] {
  return references
    .filter(({ onDelete }) => onDelete !== 'NO ACTION' && onDelete !== 'RESTRICT')
    .map(({ childOid }) => childOid);
}

/** Without an index each deleted row reads the whole child: days instead of minutes. */
export function unindexedRefusals(references: readonly Reference[]): readonly Refusal[] {
  return references
    .filter(({ isIndexed, isEmpty }) => !isIndexed && !isEmpty)
    .map(({ child, constraint, columns }) => ({
      detail: 'prune.unindexed',
      reason: `${child} refers to the rows by ${constraint} without an index: each deleted row would read all of it`,
      remediation: [`CREATE INDEX CONCURRENTLY ON ${child} (${columns.map((name) => `"${name}"`).join(', ')});`],
    }));
}

/**
 * Where another row refers to a doomed one, and its foreign key says that the doomed one must then stay; or where a row
 * of the same table that is not old would be taken along.
 */
export async function blockingRefusals(database: Reader, blockers: Blockers): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  for (const reference of blockers.references.filter(({ isEmpty }) => !isEmpty)) {
    const isOwn = blockers.family.oids.includes(reference.childOid);
    const isKeeping = reference.onDelete === 'NO ACTION' || reference.onDelete === 'RESTRICT';
    const isUnarchived = !isKeeping && blockers.isArchived === true && reference.depth === 1;
    if (!isKeeping && !isOwn && !isUnarchived) continue;
    if (!isKeeping && reference.isRowSecured) refusals.push(hidden(reference));
    else if (await hasBlockers(database, reference, { ...blockers, isKeeping: isKeeping || isUnarchived }))
      refusals.push(isKeeping ? blocked(reference) : isUnarchived ? unarchived(reference) : dragging(reference));
  }
  return refusals;
}

interface Blockers {
  readonly references: readonly Reference[];
  readonly family: Family;
  readonly doom: Doom;
  /** The rows are archived, so that none may go or change with them that is not. */
  readonly isArchived?: boolean;
}

/** Below the first generation nobody counts which rows would be reached: any row there may stand in the way. */
async function hasBlockers(
  database: Reader,
  reference: Reference,
  { family, doom, isKeeping }: Omit<Blockers, 'references'> & { readonly isKeeping: boolean },
): Promise<boolean> {
  const child = ident(reference.childSchema, reference.childName);
  if (reference.depth > 1) return isTrue(database, fragment`SELECT FROM ${child}`);
  for (const target of family.targets) {
    const old = doomed(target, doom);
    const rows = isKeeping ? child : fragment`(SELECT * FROM ${child} WHERE (${old}) IS NOT TRUE)`;
    const found = await isTrue(
      database,
      fragment`SELECT FROM ${rows} c
                 JOIN (SELECT * FROM ONLY ${target.table} WHERE ${old}) d ON ${joined(reference)}`,
    );
    if (found) return true;
  }
  return false;
}

async function isTrue(database: Reader, query: Fragment): Promise<boolean> {
  const [row] = await database.rows(sql<{ found: boolean }>`SELECT EXISTS (${query}) AS found`);
  return row?.found ?? false;
}

function joined({ columns, parentColumns }: Reference): Fragment {
  return columns
    .map((column, index) => fragment`c.${ident(column)} = d.${ident(parentColumns[index] ?? '')}`)
    .reduce((all, next) => fragment`${all} AND ${next}`);
}

function blocked({ child, constraint, onDelete }: Reference): Refusal {
  return {
    detail: 'prune.blocked',
    reason: `rows of ${child} refer to rows that would go, and ${constraint} (ON DELETE ${onDelete}) keeps them`,
    remediation: [
      `Write a rule for ${child} and put it first, or leave such rows out with \`where\`.`,
      `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '${constraint}';`,
    ],
  };
}

function hidden({ child, constraint, onDelete }: Reference): Refusal {
  return {
    detail: 'prune.hidden',
    reason: `row-level security hides rows of ${child} from the role, and ${constraint} (ON DELETE ${onDelete}) would reach them`,
    remediation: ['ALTER ROLE the role in the database URL BYPASSRLS;'],
  };
}

function unarchived({ child, constraint, onDelete }: Reference): Refusal {
  return {
    detail: 'prune.archive',
    reason: `rows of ${child} refer to rows that would be archived; ${constraint} (ON DELETE ${onDelete}) would reach them, and they would be in no archive`,
    remediation: [`Write a rule for ${child} with an archive of its own and put it first.`],
  };
}

function dragging({ child, constraint, onDelete }: Reference): Refusal {
  return {
    detail: 'prune.blocked',
    reason: `rows of ${child} that are not old refer to rows that would go, and ${constraint} (ON DELETE ${onDelete}) would reach them`,
    remediation: [
      'Leave rows that others refer to out with `where`.',
      `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '${constraint}';`,
    ],
  };
}

/** Triggers and rewrite rules on DELETE that nobody consented to, on every table that a deletion reaches. */
export async function triggerRefusals(
  database: Reader,
  {
    family,
    references,
    rule,
  }: {
    readonly family: Family;
    readonly references: readonly Reference[];
    readonly rule: Pick<Rule, 'allowTriggers'>;
  },
): Promise<readonly Refusal[]> {
  const cascaded = references.filter(({ onDelete }) => onDelete === 'CASCADE').map(({ childOid }) => childOid);
  return consentRefusals(database, { oids: [...family.oids, ...cascaded], event: 'DELETE', rule });
}

/** What rows go through, by the bit in `pg_trigger.tgtype` and the letter in `pg_rewrite.ev_type`. */
const EVENTS = { INSERT: [4, '3', 'inserted'], UPDATE: [16, '2', 'changed'], DELETE: [8, '4', 'deleted'] } as const;

/** Triggers and rewrite rules on these tables that nobody consented to. */
export async function consentRefusals(
  database: Reader,
  {
    oids,
    event,
    rule,
  }: {
    readonly oids: readonly string[];
    readonly event: keyof typeof EVENTS;
    readonly rule: Pick<Rule, 'allowTriggers'>;
  },
): Promise<readonly Refusal[]> {
  const triggers = await database.rows(triggersOn(oids, event));
  return triggers
    .filter(({ name }) => !rule.allowTriggers.includes(name))
    .map(({ name, table }) => ({
      detail: 'prune.trigger',
      reason: `${name} on ${table} would fire for each ${EVENTS[event][2]} row`,
      remediation: [`Add ${name} to \`allowTriggers\` of the rule once it is clear what it does.`],
    }));
}

const referencesOf = (oids: readonly string[]) => sql<Reference>`
  WITH RECURSIVE reached AS (
    SELECT 1 AS depth, f.oid, f.conname, f.conrelid, f.confrelid, f.confdeltype, f.conkey, f.confkey,
           ARRAY[f.conrelid] AS path
      FROM pg_constraint f
     WHERE f.contype = 'f' AND f.confrelid = ANY(${oids}::oid[])
    UNION ALL
    SELECT r.depth + 1, f.oid, f.conname, f.conrelid, f.confrelid, f.confdeltype, f.conkey, f.confkey,
           r.path || f.conrelid
      FROM reached r
      JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = r.conrelid
     WHERE r.confdeltype = 'c' AND f.conrelid <> ALL(r.path) AND r.depth < 10
  )
  SELECT min(r.depth)::int AS depth, r.conname AS constraint, r.confrelid::text AS "parentOid",
         r.conrelid::regclass::text AS child, n.nspname AS "childSchema", c.relname AS "childName",
         r.conrelid::oid::text AS "childOid",
         CASE r.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                            WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END AS "onDelete",
         ARRAY(SELECT a.attname::text FROM unnest(r.conkey) WITH ORDINALITY k(number, position)
                 JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = k.number ORDER BY position) AS columns,
         ARRAY(SELECT a.attname::text FROM unnest(r.confkey) WITH ORDINALITY k(number, position)
                 JOIN pg_attribute a ON a.attrelid = r.confrelid AND a.attnum = k.number ORDER BY position)
           AS "parentColumns",
         EXISTS (SELECT FROM pg_index i
                  WHERE i.indrelid = r.conrelid AND i.indisvalid AND i.indpred IS NULL
                    AND (i.indkey::int2[])[0:cardinality(r.conkey) - 1] @> r.conkey) AS "isIndexed",
         c.relkind = 'r' AND pg_relation_size(c.oid) = 0 AS "isEmpty", row_security_active(c.oid) AS "isRowSecured"
    FROM reached r
    JOIN pg_class c ON c.oid = r.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   GROUP BY r.oid, r.conname, r.confrelid, r.conrelid, r.confdeltype, r.conkey, r.confkey, n.nspname, c.relname,
            c.relkind, c.oid
   ORDER BY depth, child, "constraint"`;

/** Triggers and rewrite rules that see each row of these tables that goes or comes; one that is disabled is silent. */
export const triggersOn = (oids: readonly string[], event: keyof typeof EVENTS) => sql<{ name: string; table: string }>`
  SELECT tgname::text AS name, tgrelid::regclass::text AS table
    FROM pg_trigger
   WHERE tgrelid = ANY(${oids}::oid[]) AND NOT tgisinternal AND (tgtype & ${EVENTS[event][0]}::int) <> 0 AND tgenabled <> 'D'
   UNION
  SELECT rulename::text, ev_class::regclass::text
    FROM pg_rewrite
   WHERE ev_class = ANY(${oids}::oid[]) AND ev_type = ${EVENTS[event][1]}
   ORDER BY 2, 1`;
