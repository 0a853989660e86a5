import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { formatCount, formatShare } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { gradeShare, shareSetting, WARNS_FIRST, warnsFirst } from './thresholds.ts';
import { defineCheck } from './check.ts';

const transactionIdsSettings = z
  .strictObject({
    warnAt: shareSetting(0.4).describe(
      'Warn when a database has used up this share of its transaction or multixact ids',
    ),
    failAt: shareSetting(0.75).describe('Fail from this share on; at 1 the server refuses every write'),
    overdueAt: z
      .number()
      .min(1)
      .default(2)
      .describe('Warn when an age is so many times what autovacuum freezes at, for then it does not keep up'),
  })
  .refine(warnsFirst, WARNS_FIRST);
type TransactionIdsSettings = z.infer<typeof transactionIdsSettings>;

export const transactionIdsCheck = defineCheck({
  id: 'transaction-ids',
  dimension: 'resources',
  alertClass: 'page',
  impact: 'when the ids run out the server refuses every write',
  measures: 'share of the transaction and multixact ids used up',
  warns: '`transactionIds.warnAt` of them, or `transactionIds.overdueAt` times the age that autovacuum freezes at',
  fails: '`transactionIds.failAt` of them',
  settings: {
    transactionIds: transactionIdsSettings.prefault({}).describe('How near to running out of transaction ids'),
  },
  questions: ({ transactionIds }) => [
    { title: 'transaction ids', ask: (database) => checkTransactionIds(database, transactionIds) },
  ],
});

/** After so many ids the oldest row would seem to lie in the future. */
const IDS = 2 ** 31;

/** How old the oldest id of a database is, and from which age on autovacuum freezes. */
interface AgeRow {
  readonly database: string;
  readonly isCurrent: boolean;
  readonly kind: 'transaction ids' | 'multixact ids';
  readonly age: number;
  readonly freezeAt: number;
}

interface TableRow {
  /** Quoted and with its schema. */
  readonly name: string;
  readonly age: number;
}

/**
 * Looks how near each database of the server is to running out of transaction ids. Multixact ids, which row locks by
 * several sessions use up, run out in the same way.
 * @see https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
 * @throws MaintError when the database does not answer
 */
async function checkTransactionIds(database: Reader, settings: TransactionIdsSettings): Promise<Outcome> {
  const ages = await database.rows(AGES);
  const [oldest] = ages;
  const tables = oldest === undefined || !oldest.isCurrent ? [] : await database.rows(OLDEST_TABLES);
  return judgeAges(ages, { tables, subject: database.name }, settings);
}

interface Around {
  readonly tables: readonly TableRow[];
  readonly subject: string;
}

/** The row with the greatest share comes first. */
function judgeAges(ages: readonly AgeRow[], { tables, subject }: Around, settings: TransactionIdsSettings): Outcome {
  const [oldest] = ages;
  const share = (oldest?.age ?? 0) / IDS;
  const late = ages.filter(({ age, freezeAt }) => age >= freezeAt * settings.overdueAt);
  const graded = gradeShare(share, settings);
  const status = graded === 'done' && late.length > 0 ? 'warn' : graded;
  const [latest] = late;
  const overdue =
    latest === undefined
      ? ''
      : `; autovacuum does not keep up: ${formatCount(latest.age)} ${latest.kind} in ${latest.database}, it freezes at ${formatCount(latest.freezeAt)}`;
  return {
    status,
    summary: `${formatShare(share)} of the ${oldest?.kind ?? 'transaction ids'} used in database ${oldest?.database ?? 'unknown'}${overdue}`,
    remediation: status === 'done' ? [] : remediation(status === graded ? oldest : latest, tables),
    facts: {
      share,
      databases: ages.slice(0, 10).map(({ database, kind, age, freezeAt }) => ({ database, kind, age, freezeAt })),
      tables: tables.map(({ name, age }) => ({ name, age })),
    },
    samples: [{ name: 'transactionIds.used', subject, value: share, unit: 'ratio' }],
  };
}

function remediation(worst: AgeRow | undefined, tables: readonly TableRow[]): readonly string[] {
  const inTables = tables.map(({ name, age }) => `VACUUM (FREEZE, VERBOSE) ${name}; -- age ${formatCount(age)}`);
  return [
    'SELECT pid, application_name, backend_xmin, xact_start FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY age(backend_xmin) DESC; -- end what is old: it keeps VACUUM from freezing',
    'SELECT slot_name, active, xmin, catalog_xmin FROM pg_replication_slots; -- and drop a slot that nobody uses',
    ...(worst?.isCurrent === true ? inTables : [`vacuumdb --freeze --dbname '${worst?.database ?? 'postgres'}'`]),
  ];
}

// Databases that accept no connections count too: the server stops for the sake of each.
const AGES = sql<AgeRow>`
  SELECT datname AS database, datname = current_database() AS "isCurrent", kind, age, "freezeAt"
    FROM pg_database
   CROSS JOIN LATERAL (VALUES
     ('transaction ids', age(datfrozenxid), current_setting('autovacuum_freeze_max_age')::int),
     ('multixact ids', mxid_age(datminmxid), current_setting('autovacuum_multixact_freeze_max_age')::int)
   ) AS ages (kind, age, "freezeAt")
   ORDER BY age DESC, datname = current_database() DESC, datname, kind DESC`;

// No function that looks at a table itself: it would wait for whoever has locked it.
const OLDEST_TABLES = sql<TableRow>`
  SELECT format('%I.%I', n.nspname, c.relname) AS name,
         greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS age
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid AND t.relfrozenxid <> '0'
   WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.relfrozenxid <> '0'
   ORDER BY 2 DESC, c.relpages DESC
   LIMIT 3`;
