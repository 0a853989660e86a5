import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { ident, sql } from '../adapters/sql.ts';
import { plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { defineCheck } from './check.ts';
import { namesDiffer, nameSetting, SAME_NAME } from './named-sql.ts';

const columnSetting = z
  .string()
  .regex(/^[^.]+\.[^.]+\.[^.]+$/, 'write schema, table and column with dots between, such as public.items.order_id');

const orphanSettings = z.strictObject({
  name: nameSetting,
  child: columnSetting.describe('The column that points, such as public.items.order_id'),
  parent: columnSetting.describe('The column it points to, such as public.orders.id'),
  max: z
    .int()
    .min(0)
    .optional()
    .describe('Fail when more rows than this point to nothing; it only warns where left out'),
});
type OrphanSettings = z.infer<typeof orphanSettings>;

/** Relations that no foreign key guards. */
export const dataOrphansCheck = defineCheck({
  id: 'data-orphans',
  dimension: 'data',
  alertClass: 'ticket',
  impact: 'rows belong to nothing: they are shown to nobody, or break whatever looks up their parent',
  measures: 'number of rows that point to a row that is not there',
  warns: 'one or more',
  fails: 'more than `dataOrphans[].max`, where it is given',
  settings: {
    dataOrphans: z
      .array(orphanSettings)
      .refine(namesDiffer, SAME_NAME)
      .prefault([])
      .describe('Columns that point to another table without a foreign key'),
  },
  questions: ({ dataOrphans }) =>
    dataOrphans.map((settings) => ({
      title: `data orphans ${settings.name}`,
      ask: (database) => checkOrphans(database, settings),
    })),
});

const EXAMPLES = 5;

async function checkOrphans(database: Reader, settings: OrphanSettings): Promise<Outcome> {
  const { name, child, parent, max } = settings;
  const [childSchema = '', childTable = '', childColumn = ''] = child.split('.');
  const [parentSchema = '', parentTable = '', parentColumn = ''] = parent.split('.');
  const [row] = await database.rows(sql<{ orphans: number; examples: readonly string[] | null }>`
    WITH orphans AS (
      SELECT c.${ident(childColumn)} AS key FROM ${ident(childSchema, childTable)} AS c
       WHERE c.${ident(childColumn)} IS NOT NULL
         AND NOT EXISTS (SELECT FROM ${ident(parentSchema, parentTable)} AS p
                          WHERE p.${ident(parentColumn)} = c.${ident(childColumn)}))
    SELECT count(*)::float8 AS orphans,
           (SELECT array_agg(DISTINCT key::text) FROM (SELECT key FROM orphans LIMIT ${EXAMPLES}) AS few) AS examples
      FROM orphans`);
  const orphans = row?.orphans ?? 0;
  const examples = row?.examples ?? [];
  const status = orphans === 0 ? 'done' : max !== undefined && orphans > max ? 'fail' : 'warn';
  return {
    status,
    summary:
      orphans === 0
        ? `every ${child} has its ${parent}`
        : `${plural(orphans, 'row')} of ${childSchema}.${childTable} without a ${parent}, such as ${examples.join(', ')}`,
    remediation: status === 'done' ? [] : remediation(settings),
    facts: { orphans, examples, max: max ?? null },
    samples: [{ name: 'data.orphans', subject: name, value: orphans, unit: 'count' }],
  };
}

function remediation({ child, parent }: OrphanSettings): readonly string[] {
  const table = child.split('.').slice(0, 2).join('.');
  const [parentTable, key] = [parent.split('.').slice(0, 2).join('.'), parent.split('.')[2] ?? ''];
  const where = `${child} IS NOT NULL AND NOT EXISTS (SELECT FROM ${parentTable} WHERE ${parentTable}.${key} = ${child})`;
  return [
    `SELECT * FROM ${table} WHERE ${where} LIMIT 20;`,
    'Were the parents deleted on purpose? Then delete these rows too; else bring the parents back: maint restore --table',
    `ALTER TABLE ${table} ADD FOREIGN KEY (${child.split('.')[2] ?? ''}) REFERENCES ${parentTable} NOT VALID; -- then VALIDATE CONSTRAINT; no new ones from then on`,
  ];
}
