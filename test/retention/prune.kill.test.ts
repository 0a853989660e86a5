import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test, type TestDatabase } from '../support/database.ts';
import { pruneInChild, waitUntilAlone } from '../support/prune-child.ts';
import { readSegments } from '../support/segments.ts';

const SETTINGS = {
  rules: [{ name: 'events', table: 'events', age: 'at', olderThan: '30 days', where: 'id % 7 <> 0', maxShare: 1 }],
  pace: 'full',
};
const ROWS = 60_000;

async function make(database: TestDatabase, isIndexed: boolean): Promise<void> {
  await database.query(
    `CREATE TABLE events (id int PRIMARY KEY, at timestamptz);
     CREATE TABLE notes (event int REFERENCES events ON DELETE CASCADE);
     CREATE INDEX ON notes (event)`,
  );
  // Three of four are old, in no order.
  await database.query(
    `INSERT INTO events
     SELECT g, now() - CASE WHEN g * 7919 % 4 = 0 THEN interval '1 day' ELSE interval '60 days' END
               - g * 31337 % ${ROWS} * interval '1 second'
       FROM generate_series(1::bigint, ${ROWS}) g;
     INSERT INTO notes SELECT id FROM events`,
  );
  if (isIndexed) await database.query('CREATE INDEX ON events (at)');
}

/** Everything there is, in one number each. */
async function state(database: TestDatabase): Promise<unknown> {
  return database.query(
    `SELECT (SELECT count(*)::int FROM events) AS events, (SELECT sum(id)::int8 FROM events) AS ids,
            (SELECT count(*)::int FROM notes) AS notes,
            (SELECT count(*)::int FROM events WHERE at < now() - interval '30 days' AND id % 7 <> 0) AS old`,
  );
}

describe('killed between or within batches', () => {
  test.for([
    [true, [1, 2, 1, 3]],
    [false, [1, 3, 2, 1]],
  ] as const)(
    'with an index: %s, the next run ends where an undisturbed one does',
    async ([isIndexed, kills], { database }) => {
      await make(database, isIndexed);
      let killed = 0;
      for (const batches of kills) if (!(await pruneInChild(database.url, SETTINGS, { batches }))) killed += 1;
      await waitUntilAlone(database);
      expect(killed).toBeGreaterThan(0);
      expect(await pruneInChild(database.url, SETTINGS)).toBe(true);
      const [expected] = await database.query(
        `SELECT count(*)::int AS events, sum(g)::int8 AS ids, count(*)::int AS notes, 0 AS old
         FROM generate_series(1::bigint, ${ROWS}) g WHERE g * 7919 % 4 = 0 OR g % 7 = 0`,
      );
      expect(await state(database)).toEqual([expected]);
    },
  );

  test(
    'each row is in the table or in one file, and in the end each old one in one file',
    { timeout: 240_000 },
    async ({ database }) => {
      const directory = await mkdtemp(join(tmpdir(), `${database.name}-`));
      await database.query(
        `CREATE TABLE events (id int PRIMARY KEY, at timestamptz);
       INSERT INTO events SELECT g, now() - interval '60 days' - g * interval '1 s' FROM generate_series(1, 12000) g`,
      );
      const rule = { name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 1, keepAtLeast: 0 };
      const settings = { rules: [{ ...rule, archive: { directory } }], pace: 'full', vacuum: false, maxRows: 3_000 };
      const idsOf = (lines: readonly string[]): readonly number[] =>
        lines.map((line) => Number(/^\{"id" : "(\d+)"/.exec(line)?.[1]));
      const whereRowsAre = async (): Promise<{
        readonly once: readonly number[];
        readonly pending: readonly number[];
      }> => {
        const left = await database.query<{ id: number }>('SELECT id FROM events');
        const { lines, pending } = await readSegments(join(directory, 'events'));
        return { once: [...left.map(({ id }) => id), ...idsOf(lines)], pending: idsOf(pending) };
      };
      const sorted = (ids: Iterable<number>): readonly number[] => [...ids].toSorted((a, b) => a - b);
      const all = Array.from({ length: 12_000 }, (_, index) => index + 1);
      let killed = 0;
      for (let time = 0; time < 12; time += 1) {
        if (!(await pruneInChild(database.url, settings, { batches: 1 + (time % 2), ms: time * 3 }))) killed += 1;
        await waitUntilAlone(database);
        const { once, pending } = await whereRowsAre();
        expect(new Set(once).size).toBe(once.length);
        expect(sorted(new Set([...once, ...pending]))).toEqual(all);
      }
      expect(killed).toBeGreaterThan(0);
      expect(await pruneInChild(database.url, { ...settings, maxRows: 20_000 })).toBe(true);
      expect(await database.query('SELECT FROM events')).toHaveLength(0);
      expect(await readSegments(join(directory, 'events'))).toMatchObject({ unsettled: [] });
      expect(sorted((await whereRowsAre()).once)).toEqual(all);
      await rm(directory, { recursive: true });
    },
  );
});
