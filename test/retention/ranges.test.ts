import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { condition, sql } from '../../src/adapters/sql.ts';
import { firstPosition, strategyOf, type Position } from '../../src/retention/ranges.ts';
import { findFamily } from '../../src/retention/target.ts';
import { test } from '../support/database.ts';

const RULE = { name: 'r', table: 'r', age: 'at', olderThan: '1 day', maxShare: 1, keepAtLeast: 0, allowTriggers: [] };

describe('ranges', () => {
  test(
    'take every old row once and no other, whatever their size',
    { timeout: 240_000 },
    async ({ database, session }) => {
      const where = condition('id % 3 <> 0');
      if (where === undefined) throw new Error('the condition was refused');
      await fc.assert(
        fc.asyncProperty(
          // Few values, so that many rows share one; wide rows, so that they lie in many blocks.
          fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 120, size: 'max' }),
          fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
          fc.record({
            isIndexed: fc.boolean(),
            canReadBlocks: fc.boolean(),
            key: fc.constantFrom('none', 'id', 'name'),
            cutoff: fc.integer({ min: 0, max: 13 }),
          }),
          async (values, sizes, { isIndexed, canReadBlocks, key, cutoff }) => {
            await database.query(
              'DROP TABLE IF EXISTS r; CREATE TABLE r (id int, at int, filler text, name text) WITH (fillfactor = 10)',
            );
            if (isIndexed) await database.query('CREATE INDEX ON r (at)');
            await database.query(
              `INSERT INTO r SELECT id, at, repeat('x', 200), md5(id::text) FROM unnest($1::int[]) WITH ORDINALITY v(at, id)`,
              [values],
            );
            if (key !== 'none') await database.query(`ALTER TABLE r ADD PRIMARY KEY (${key})`);
            const family = await findFamily(session, RULE);
            if ('reason' in family) throw new Error(family.reason);
            const [target] = family.targets;
            if (target === undefined) throw new Error('no target');
            const doom = { cutoff: { at: '', key: String(cutoff) }, where };
            const seen: number[] = [];
            let position: Position | undefined = await firstPosition({
              database: session,
              target,
              doom,
              canReadBlocks,
            });
            for (let turn = 0; position !== undefined; turn += 1) {
              const range = await position(sizes[turn % sizes.length] ?? 1);
              const rows = await session.rows(sql<{ id: number }>`SELECT id FROM r WHERE ${range.condition}`);
              seen.push(...rows.map(({ id }) => id));
              position = range.after;
            }
            const expected = values.flatMap((at, index) => (at < cutoff && (index + 1) % 3 !== 0 ? [index + 1] : []));
            expect(seen.toSorted((a, b) => a - b)).toEqual(expected);
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  test('of an old server go by the primary key where that is one column', async ({ database, session }) => {
    await database.query(
      'CREATE TABLE r (id int, at int, PRIMARY KEY (id)); CREATE TABLE pair (id int, at int, PRIMARY KEY (id, at))',
    );
    const words: string[] = [];
    for (const table of ['r', 'pair']) {
      const family = await findFamily(session, { ...RULE, table });
      if ('reason' in family) throw new Error(family.reason);
      words.push(...family.targets.flatMap((target) => [strategyOf(target, true), strategyOf(target, false)]));
    }
    const [blocks, key, same, places] = words;
    expect(blocks).toBe('ranges of blocks, as no index leads with the age column');
    expect(same).toBe(blocks);
    expect(key).toMatch(/^ranges of the primary key/);
    expect(places).toMatch(/^every place of one block after the other, which is slow/);
  });

  test('of a table with an index never read what lies before them', async ({ database, session }) => {
    await database.query('CREATE TABLE r (id int, at int); CREATE INDEX ON r (at)');
    await database.query('INSERT INTO r SELECT g, g FROM generate_series(1, 100) g');
    const family = await findFamily(session, RULE);
    if ('reason' in family) throw new Error(family.reason);
    const [target] = family.targets;
    const where = condition('true');
    if (target === undefined || where === undefined) throw new Error('no target');
    const doom = { cutoff: { at: '', key: '90' }, where };
    const first = await firstPosition({ database: session, target, doom, canReadBlocks: true });
    const second = (await first?.(10))?.after;
    const range = await second?.(10);
    expect(range).toBeDefined();
    if (range === undefined) return;
    const { text, values } = sql`SELECT FROM r WHERE ${range.condition}`;
    expect(text).toMatch(/"at" >= \$1::.* AND "at" < \$2::/);
    expect(values).toEqual(['11', '21']);
  });
});
