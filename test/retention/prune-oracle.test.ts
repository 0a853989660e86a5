import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { prune } from '../../src/tasks/prune.ts';
import { test, type TestDatabase } from '../support/database.ts';
import { runTask } from '../support/run-task.ts';

const DAY_MS = 86_400_000;

/** A row as it is put in: how many milliseconds old it is, null for no age, and whether the condition takes it. */
interface Row {
  readonly ageMs: number | null;
  readonly kind: 'keep' | 'go' | null;
}

interface Layout {
  readonly type: 'timestamptz' | 'timestamp' | 'date' | 'int4' | 'int8';
  readonly isIndexed: boolean;
  readonly isPartitioned: boolean;
  readonly hasWhere: boolean;
}

/** How a column of that type says an instant, written in SQL from milliseconds since 1970. */
const WRITTEN: Readonly<Record<Layout['type'], string>> = {
  timestamptz: `to_timestamp(ms / 1000.0)`,
  timestamp: `to_timestamp(ms / 1000.0) AT TIME ZONE 'Asia/Kathmandu'`,
  date: `(to_timestamp(ms / 1000.0) AT TIME ZONE 'Asia/Kathmandu')::date`,
  int4: `floor(ms / 1000.0)::int4`,
  int8: `floor(ms)::int8`,
};

const layouts: fc.Arbitrary<Layout> = fc.record({
  type: fc.constantFrom('timestamptz', 'timestamp', 'date', 'int4', 'int8'),
  isIndexed: fc.boolean(),
  isPartitioned: fc.boolean(),
  hasWhere: fc.boolean(),
});

const rowsOf = fc.array(
  fc.record({
    // Values that repeat, and none so near to the cutoff that the length of the test decides about it.
    ageMs: fc.option(fc.integer({ min: -3, max: 20 }).map((days) => days * DAY_MS + DAY_MS / 3)),
    kind: fc.constantFrom('keep', 'go', null),
  }),
  { maxLength: 300, size: 'max' },
);

const KATHMANDU_MS = 5.75 * 3_600_000;

/** Said again without the code: old is what lies before this instant, and a date is old once its whole day does. */
function isDoomed({ ageMs, kind }: Row, { type, hasWhere }: Layout, nowMs: number): boolean {
  if (ageMs === null || (hasWhere && kind !== 'go')) return false;
  const [at, cutoff] = [nowMs - ageMs, nowMs - 10 * DAY_MS];
  const day = (ms: number): number => Math.floor((ms + KATHMANDU_MS) / DAY_MS);
  return type === 'date' ? day(at) < day(cutoff) : at < cutoff;
}

async function make(database: TestDatabase, rows: readonly Row[], layout: Layout): Promise<number> {
  const { type, isIndexed, isPartitioned } = layout;
  const nowMs = Date.now();
  await database.query('DROP TABLE IF EXISTS "Old Things"');
  await database.query(
    `CREATE TABLE "Old Things" (id int, "At" ${type}, kind text) ${isPartitioned ? 'PARTITION BY HASH (id)' : ''}`,
  );
  if (isPartitioned)
    for (const part of [0, 1, 2])
      await database.query(
        `CREATE TABLE part_${part} PARTITION OF "Old Things" FOR VALUES WITH (MODULUS 3, REMAINDER ${part})`,
      );
  if (isIndexed) await database.query('CREATE INDEX ON "Old Things" ("At" DESC, id)');
  await database.query(
    `INSERT INTO "Old Things"
     SELECT id, ${WRITTEN[type]}, kind
       FROM unnest($1::float8[], $2::text[]) WITH ORDINALITY given(ms, kind, id)`,
    [rows.map(({ ageMs }) => (ageMs === null ? null : nowMs - ageMs)), rows.map(({ kind }) => kind)],
  );
  return nowMs;
}

describe('a rule', () => {
  test(
    'deletes exactly the rows that an independent count calls old',
    { timeout: 240_000 },
    async ({ database, session }) => {
      await fc.assert(
        fc.asyncProperty(rowsOf, layouts, async (rows, layout) => {
          const nowMs = await make(database, rows, layout);
          const rule = {
            name: 'old',
            table: '"Old Things"',
            age: 'At',
            olderThan: '10 days',
            timezone: 'Asia/Kathmandu',
            unit: layout.type === 'int4' ? 'seconds' : 'milliseconds',
            ...(layout.hasWhere && { where: "kind = 'go'" }),
            maxShare: 1,
            keepAtLeast: 0,
          };
          const [outcome] = await runTask(prune, { rules: [rule], pace: 'full' }, { database: session });
          const kept = await database.query<{ id: number }>('SELECT id FROM "Old Things" ORDER BY id');
          const expected = rows.flatMap((row, index) => (isDoomed(row, layout, nowMs) ? [] : [index + 1]));
          expect(kept.map(({ id }) => id)).toEqual(expected);
          expect(outcome).toMatchObject({
            status: 'done',
            facts: { rows: rows.length - expected.length, remaining: 0 },
          });
        }),
        { numRuns: 60 },
      );
    },
  );
});
