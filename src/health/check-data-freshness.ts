import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';
import { fail, type Outcome } from '../engine/outcome.ts';
import { defineCheck } from './check.ts';
import { namesDiffer, nameSetting, querySetting, SAME_NAME, subquery } from './named-sql.ts';
import { grade, WARNS_SOONER, warnsSooner } from './thresholds.ts';

const freshnessSettings = z
  .strictObject({
    name: nameSetting,
    sql: querySetting.describe('A query whose answer is one time, such as SELECT max(updated_at) FROM orders'),
    warnAfter: durationSetting.describe('Warn when the newest is older than this'),
    failAfter: durationSetting.describe('Fail when the newest is older than this'),
  })
  .refine(warnsSooner, WARNS_SOONER);
type FreshnessSettings = z.infer<typeof freshnessSettings>;

/** Data that should keep coming. */
export const dataFreshnessCheck = defineCheck({
  id: 'data-freshness',
  dimension: 'data',
  alertClass: 'ticket',
  impact: 'what people see is old, and nothing says so',
  measures: 'age of the newest row, seconds',
  warns: 'older than `dataFreshness[].warnAfter`',
  fails: 'older than `dataFreshness[].failAfter`, or no row at all',
  settings: {
    dataFreshness: z
      .array(freshnessSettings)
      .refine(namesDiffer, SAME_NAME)
      .prefault([])
      .describe('Data that should keep coming'),
  },
  questions: ({ dataFreshness }) =>
    dataFreshness.map((settings) => ({
      title: `data freshness ${settings.name}`,
      ask: (database) => checkFreshness(database, settings),
    })),
});

async function checkFreshness(database: Reader, settings: FreshnessSettings): Promise<Outcome> {
  const { name, sql: query, warnAfter, failAfter } = settings;
  const [row] = await database.rows(sql<{ ageMs: number | null }>`
    SELECT (extract(epoch FROM clock_timestamp() - at::timestamptz) * 1000)::float8 AS "ageMs"
      FROM ${subquery(query)} AS answer (at) LIMIT 1`);
  const ageMs = row?.ageMs ?? undefined;
  if (ageMs === undefined) return fail('there is no row at all', remediation(query), { facts: { ageMs: null } });
  const status = grade(ageMs, warnAfter, failAfter);
  return {
    status,
    summary: ageMs < 0 ? 'the newest is from the future' : `the newest is ${formatDuration(ageMs)} old`,
    remediation: status === 'done' ? [] : remediation(query),
    facts: { ageMs: Math.round(ageMs) },
    samples: [{ name: 'data.age', subject: name, value: ageMs / 1_000, unit: 'seconds' }],
  };
}

function remediation(query: string): readonly string[] {
  return [
    `${query}; -- look yourself`,
    'Does the job that writes these rows run, and does it get what it reads? Its log, and what it fetches from, say more.',
  ];
}
