import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { restoreArchive, type ArchiveRestore } from '../../src/retention/restore-archive.ts';
import { prune } from '../../src/tasks/prune.ts';
import { test } from '../support/database.ts';
import { runTask } from '../support/run-task.ts';

/** How a column of each type says noon of a day in Tokyo. */
const WRITTEN = {
  timestamptz: "day + interval '12 hours'",
  timestamp: "(day + interval '12 hours') AT TIME ZONE 'Asia/Tokyo'",
  date: "((day + interval '12 hours') AT TIME ZONE 'Asia/Tokyo')::date",
  int4: "extract(epoch FROM day + interval '12 hours')::int4",
  int8: "(extract(epoch FROM day + interval '12 hours') * 1000)::int8",
} as const;

describe('rows that come back by time', () => {
  test('are those of the days that were named, whatever the type of the age column', async ({ database, session }) => {
    const directory = await mkdtemp(join(tmpdir(), `${database.name}-`));
    for (const [type, written] of Object.entries(WRITTEN))
      for (const isIntoFiles of [false, true]) {
        await database.query(
          `DROP TABLE IF EXISTS events, kept;
           CREATE TABLE events (id int PRIMARY KEY, at ${type}, body text) PARTITION BY HASH (id);
           CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
           CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 1);
           CREATE TABLE kept (LIKE events);
           INSERT INTO events SELECT n, ${written}, 'x'
             FROM generate_series(1, 9) n, LATERAL (SELECT ('2026-03-0' || n)::timestamp AT TIME ZONE 'Asia/Tokyo' AS day) d;`,
        );
        const name = `${type}-${isIntoFiles ? 'files' : 'table'}`;
        const unit = type === 'int4' ? ('seconds' as const) : ('milliseconds' as const);
        const rule = { name, table: 'events', age: 'at', timezone: 'Asia/Tokyo', unit, allowTriggers: [] };
        const archive = isIntoFiles ? { directory } : { table: 'kept' };
        const [outcome] = await runTask(
          prune,
          { rules: [{ ...rule, olderThan: '30 days', archive, maxShare: 1, keepAtLeast: 0 }], vacuum: false },
          { database: session },
        );
        expect(outcome, name).toMatchObject({ status: 'done', facts: { rows: 9 } });
        const request: ArchiveRestore = {
          rule,
          from: isIntoFiles ? { folder: join(directory, name) } : { table: 'kept' },
          wanted: { since: '2026-03-03', until: '2026-03-06' },
          dryRun: false,
          database: session,
          timezone: 'UTC',
          signal: new AbortController().signal,
          now: () => new Date(),
          onRows: () => undefined,
        };
        expect(await restoreArchive(request), name).toMatchObject({ found: 3, existing: 0, restored: 3 });
        const back = await database.query<{ id: number }>('SELECT id FROM events ORDER BY id');
        expect(
          back.map(({ id }) => id),
          name,
        ).toEqual([3, 4, 5]);
        const rest = await restoreArchive({ ...request, wanted: {} });
        expect(rest, name).toMatchObject({ existing: isIntoFiles ? 3 : 0, restored: 6 });
        expect(await database.query('SELECT FROM events')).toHaveLength(9);
      }
    await rm(directory, { recursive: true });
  });

  test('stay in the archive while they would lose what only that has a column for', async ({ database, session }) => {
    await database.query(
      `CREATE TABLE events (id int PRIMARY KEY, at timestamptz);
       CREATE TABLE kept (LIKE events); ALTER TABLE kept ADD moved_at timestamptz DEFAULT now(), ADD legacy text;
       INSERT INTO kept SELECT n, now() - interval '1 year', now(), CASE n WHEN 7 THEN 'only here' END FROM generate_series(1, 9) n`,
    );
    const request: ArchiveRestore = {
      rule: { name: 'events', table: 'events', age: 'at', allowTriggers: [] },
      from: { table: 'kept' },
      wanted: {},
      dryRun: false,
      database: session,
      timezone: 'UTC',
      signal: new AbortController().signal,
      now: () => new Date(),
      onRows: () => undefined,
    };
    expect(await restoreArchive(request)).toMatchObject([{ detail: 'prune.archive' }]);
    expect(await database.query('SELECT FROM kept')).toHaveLength(9);
    expect(await restoreArchive({ ...request, wanted: { where: 'id <> 7' } })).toMatchObject({ restored: 8 });
    await database.query('ALTER TABLE events ADD legacy text');
    expect(await restoreArchive(request)).toMatchObject({ restored: 1 });
    expect(await database.query('SELECT legacy FROM events WHERE id = 7')).toEqual([{ legacy: 'only here' }]);
  });
});
