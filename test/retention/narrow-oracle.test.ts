import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { prune } from '../../src/tasks/prune.ts';
import { test, type TestDatabase } from '../support/database.ts';
import { runTask } from '../support/run-task.ts';

const DAY_MS = 86_400_000;

/** Null stands for NULL everywhere. */
interface Row {
  readonly days: number | null;
  readonly owner: number | null;
  readonly area: number;
  readonly kind: 'keep' | 'go';
}

interface Layout {
  readonly isIndexed: boolean;
  readonly isPartitioned: boolean;
  readonly hasWhere: boolean;
  readonly isOrphans: boolean;
  readonly isByPlan: boolean;
  readonly keep: { readonly per: readonly ('owner' | 'area')[]; readonly count: number } | undefined;
}

/** Owners 0 to 3 have these plans; owner 4 is known nowhere. */
const PLANS = ['free', 'pro', 'admin', 'trial'];
const AGES: Readonly<Record<string, number>> = { free: 5, pro: 12 };

const rowsOf = fc.array(
  fc.record({
    // Few values, so that many rows are as old as others.
    days: fc.option(fc.integer({ min: -1, max: 15 }), { freq: 12 }),
    owner: fc.option(fc.integer({ min: 0, max: 4 }), { freq: 12 }),
    area: fc.integer({ min: 0, max: 1 }),
    kind: fc.constantFrom('keep' as const, 'go' as const),
  }),
  { maxLength: 150, size: 'max' },
);

const layouts: fc.Arbitrary<Layout> = fc.record({
  isIndexed: fc.boolean(),
  isPartitioned: fc.boolean(),
  hasWhere: fc.boolean(),
  isOrphans: fc.boolean(),
  isByPlan: fc.boolean(),
  keep: fc.option(
    fc.record({
      per: fc.constantFrom(['owner' as const], ['area' as const, 'owner' as const]),
      count: fc.integer({ min: 1, max: 6 }),
    }),
    { nil: undefined },
  ),
});

/** Which rows go, said again row by row and without SQL. */
function doomedOf(rows: readonly Row[], layout: Layout): ReadonlySet<number> {
  const { hasWhere, isOrphans, isByPlan, keep } = layout;
  const isMeant = ({ kind, owner }: Row): boolean =>
    (!hasWhere || kind === 'go') && (!isOrphans || (owner !== null && owner > 3));
  const meant = rows.filter(isMeant);
  const isOld = ({ days, owner }: Row): boolean => {
    const age = isByPlan ? (AGES[PLANS[owner ?? -1] ?? ''] ?? Infinity) : 8;
    return days !== null && days >= age;
  };
  const isAmongLast = (row: Row): boolean => {
    if (keep === undefined) return false;
    const { per, count } = keep;
    if (row.days === null || per.some((name) => row[name] === null)) return true;
    const newer = meant.filter(
      ({ days, ...other }) => per.every((name) => other[name] === row[name]) && days !== null && days < (row.days ?? 0),
    );
    return newer.length < count;
  };
  return new Set(rows.flatMap((row, index) => (isMeant(row) && isOld(row) && !isAmongLast(row) ? [index + 1] : [])));
}

async function make(database: TestDatabase, rows: readonly Row[], layout: Layout): Promise<void> {
  await database.query(
    `DROP TABLE IF EXISTS things, owners;
     CREATE TABLE owners (id int PRIMARY KEY, plan text, at timestamptz, area int);
     CREATE TABLE things (id int, at timestamptz, owner int, area int, kind text)
       ${layout.isPartitioned ? 'PARTITION BY HASH (id)' : ''};
     CREATE INDEX ON things (owner, area, at);`,
  );
  if (layout.isPartitioned)
    await database.query(
      `CREATE TABLE things_0 PARTITION OF things FOR VALUES WITH (MODULUS 2, REMAINDER 0);
       CREATE TABLE things_1 PARTITION OF things FOR VALUES WITH (MODULUS 2, REMAINDER 1)`,
    );
  if (layout.isIndexed) await database.query('CREATE INDEX ON things (at)');
  await database.query('INSERT INTO owners SELECT n - 1, plan FROM unnest($1::text[]) WITH ORDINALITY p(plan, n)', [
    PLANS,
  ]);
  // Asked once: rows of one day are equally old, which a clock that ticks between two of them would undo.
  const nowMs = Date.now();
  await database.query(
    `INSERT INTO things SELECT id, to_timestamp(ms / 1000.0), owner, area, kind
       FROM unnest($1::float8[], $2::int[], $3::int[], $4::text[]) WITH ORDINALITY t(ms, owner, area, kind, id)`,
    [
      rows.map(({ days }) => (days === null ? null : nowMs - days * DAY_MS - DAY_MS / 3)),
      rows.map(({ owner }) => owner),
      rows.map(({ area }) => area),
      rows.map(({ kind }) => kind),
    ],
  );
}

describe('the newest of each key, orphans, and ages by plan', () => {
  test('stay or go as a count row by row says', { timeout: 240_000 }, async ({ database, session }) => {
    await fc.assert(
      fc.asyncProperty(rowsOf, layouts, async (rows, layout) => {
        const { hasWhere, isOrphans, isByPlan, keep } = layout;
        await make(database, rows, layout);
        const map = { free: '5 days', pro: '12 days', admin: 'never' };
        const rule = {
          name: 'old',
          table: 'things',
          age: 'at',
          olderThan: isByPlan ? { from: 'owners.plan', key: 'owner', map, min: '5 days', max: '20 days' } : '8 days',
          ...(hasWhere && { where: "kind = 'go'" }),
          ...(isOrphans && { orphanOf: { table: 'owners', key: 'owner' } }),
          ...(keep !== undefined && { keepLast: keep }),
          maxShare: 1,
          keepAtLeast: 0,
        };
        const [outcome] = await runTask(prune, { rules: [rule], pace: 'full', vacuum: false }, { database: session });
        const doomed = doomedOf(rows, layout);
        expect(outcome).toMatchObject({ status: 'done', facts: { rows: doomed.size, remaining: 0 } });
        const kept = await database.query<{ id: number }>('SELECT id FROM things ORDER BY id');
        expect(kept.map(({ id }) => id)).toEqual(rows.map((_, index) => index + 1).filter((id) => !doomed.has(id)));
      }),
      { numRuns: 60 },
    );
  });
});
