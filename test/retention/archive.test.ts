import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { readManifest, writeSegment } from '../../src/retention/segment.ts';
import { prune } from '../../src/tasks/prune.ts';
import { eventually, openApp } from '../support/client.ts';
import { clusterUrl, LIMITS, test as base, type TestDatabase } from '../support/database.ts';
import { performSteps, planTask, runTask } from '../support/run-task.ts';
import { readSegments } from '../support/segments.ts';

const test = base.extend<{ directory: string }>({
  directory: async ({ database }, use) => {
    const directory = await mkdtemp(join(tmpdir(), `${database.name}-`));
    await use(directory);
    await rm(directory, { recursive: true });
  },
});

const RULE = { name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 1, keepAtLeast: 0 };
const OLD = 281;

async function make(database: TestDatabase): Promise<void> {
  await database.query(
    `DROP TABLE IF EXISTS events, kept CASCADE;
     CREATE TABLE events (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, body text,
                          length int GENERATED ALWAYS AS (length(body)) STORED);
     INSERT INTO events (at, body) SELECT now() - g * interval '1 hour', 'event ' || g FROM generate_series(1, 1000) g`,
  );
}

async function rows(database: TestDatabase, table: string): Promise<number> {
  return (await database.query(`SELECT FROM ${table}`)).length;
}

describe('archive into a table', () => {
  test('moves each row in one statement, by the names of columns', async ({ database, session }) => {
    await make(database);
    await database.query(
      'CREATE TABLE kept (body text, id int PRIMARY KEY, archived_at timestamptz NOT NULL DEFAULT now(), at timestamptz)',
    );
    const before = await database.query('SELECT id, at::text, body FROM events ORDER BY id');
    const rules = [{ ...RULE, archive: { table: 'kept' } }];
    const [step] = await planTask(prune, { rules }, { database: session });
    expect(step?.intent?.join('\n')).toContain('the rows come into public.kept in the same statement: id, at, body');
    const [outcome] = await runTask(prune, { rules }, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: OLD, remaining: 0 } });
    expect(outcome?.summary).toContain('281 rows of events older than 30 days archived');
    expect(
      await database.query(
        'SELECT id, at::text, body FROM events UNION ALL SELECT id, at::text, body FROM kept ORDER BY id',
      ),
    ).toEqual(before);
    expect(await rows(database, 'kept')).toBe(OLD);
  });

  test('changes nothing where fewer rows arrive than leave', async ({ database, session }) => {
    await make(database);
    await database.query(
      `CREATE TABLE kept (LIKE events);
       CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN IF NEW.id % 100 = 0 THEN RETURN NULL; END IF; RETURN NEW; END';
       CREATE TRIGGER swallow BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION swallow()`,
    );
    const rule = { ...RULE, archive: { table: 'kept' } };
    const [refused] = await runTask(prune, { rules: [rule] }, { database: session });
    expect(refused).toMatchObject({ status: 'fail', detail: 'prune.trigger' });
    const run = runTask(prune, { rules: [{ ...rule, allowTriggers: ['swallow'] }] }, { database: session });
    await expect(run).rejects.toMatchObject({ code: 'STATEMENT_FAILED', detail: 'prune.archive' });
    expect([await rows(database, 'events'), await rows(database, 'kept')]).toEqual([1_000, 0]);
  });

  test('is refused where the rows would not fit, or would take others along', async ({ database, session }) => {
    const cases: readonly (readonly [text: string, said: string])[] = [
      ['', 'there is no table kept'],
      ['CREATE VIEW kept AS SELECT * FROM events', 'there is no table kept'],
      ['CREATE UNLOGGED TABLE kept (LIKE events)', 'loses its rows when the server crashes'],
      ['CREATE TABLE kept (id int, at timestamptz)', 'public.kept has no column body'],
      ['CREATE TABLE kept (id bigint, at timestamptz, body text)', 'id is integer, and bigint in public.kept'],
      ['CREATE TABLE kept (id int, at timestamptz NOT NULL, body text)', 'at may be NULL, and not in public.kept'],
      ['CREATE TABLE kept (id int, at timestamptz, body text, why text NOT NULL)', 'public.kept needs a value for why'],
      ['CREATE TABLE kept (LIKE events); ALTER TABLE events DROP CONSTRAINT events_pkey', 'events has no primary key'],
      [
        `CREATE TABLE kept (LIKE events); CREATE TABLE c (e int REFERENCES events ON DELETE CASCADE);
         CREATE INDEX ON c (e); INSERT INTO c VALUES (1000)`,
        'they would be in no archive',
      ],
    ];
    for (const [text, said] of cases) {
      await database.query('DROP TABLE IF EXISTS c; DROP VIEW IF EXISTS kept').catch(() => undefined);
      await make(database);
      if (text !== '') await database.query(text);
      const [outcome] = await runTask(
        prune,
        { rules: [{ ...RULE, archive: { table: 'kept' } }] },
        { database: session },
      );
      expect(outcome, said).toMatchObject({ status: 'fail', detail: 'prune.archive' });
      expect(outcome?.summary).toContain(said);
      expect(await rows(database, 'events')).toBe(1_000);
      if (text.startsWith('CREATE VIEW')) await database.query('DROP VIEW kept');
    }
    await database.query('DROP TABLE c');
    const own = await runTask(prune, { rules: [{ ...RULE, archive: { table: 'events' } }] }, { database: session });
    expect(own[0]?.summary).toContain('is the table that the rows leave');
    for (const archive of [{}, { table: 'a', directory: '/b' }, { directory: 'relative' }, { file: 'x' }])
      expect(prune.settings.safeParse({ rules: [{ ...RULE, archive }] }).success).toBe(false);
  });

  test('is refused where policies hide what would go along', async ({ database }) => {
    await make(database);
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await database.query(
      `CREATE TABLE kept (LIKE events); CREATE TABLE c (e int REFERENCES events ON DELETE CASCADE); CREATE INDEX ON c (e);
       INSERT INTO c SELECT id FROM events; ALTER TABLE c ENABLE ROW LEVEL SECURITY;
       CREATE ROLE ${role} LOGIN; GRANT ALL ON events, kept, c TO ${role}`,
    );
    {
      await using session = openSession({
        connection: parseConnection(new Secret(clusterUrl(database.name, role))),
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      });
      const rules = [{ ...RULE, archive: { table: 'kept' } }];
      const [outcome] = await runTask(prune, { rules, vacuum: false }, { database: session });
      expect(outcome).toMatchObject({ status: 'fail', detail: 'prune.hidden' });
    }
    expect(await rows(database, 'c')).toBe(1_000);
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('a row that refers to an archived one at the last moment stops the batch', async ({ database, session }) => {
    await make(database);
    await database.query(
      `CREATE TABLE kept (LIKE events); CREATE TABLE c (e int REFERENCES events ON DELETE CASCADE); CREATE INDEX ON c (e)`,
    );
    const steps = await planTask(prune, { rules: [{ ...RULE, archive: { table: 'kept' } }] }, { database: session });
    await database.query('INSERT INTO c VALUES (1000)');
    await expect(performSteps(steps, { database: session })).rejects.toMatchObject({ detail: 'prune.archive' });
    expect([await rows(database, 'events'), await rows(database, 'c')]).toEqual([1_000, 1]);
  });
});

describe('archive into files', () => {
  test('holds each row once, for its owner only, and an edit at the last moment', async ({
    database,
    session,
    directory,
  }) => {
    await make(database);
    const folder = join(directory, 'archives', 'events');
    const rules = [{ ...RULE, archive: { directory: join(directory, 'archives') } }];
    const before = await database.query<{ id: number; body: string }>('SELECT id, body FROM events ORDER BY id');
    {
      await using app = await openApp(database.url, 'app');
      await app.query("BEGIN; UPDATE events SET body = 'edited' WHERE id = 900");
      const run = runTask(prune, { rules, pace: 'full' }, { database: session });
      await eventually('the batch waits', async () => {
        const waiting = await database.query(
          "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        );
        return waiting.length > 0;
      });
      await app.query('COMMIT');
      expect((await run)[0]).toMatchObject({ status: 'done', facts: { rows: OLD } });
    }
    const { lines, unsettled } = await readSegments(folder);
    expect(unsettled).toEqual([]);
    const archived = lines.map((line): unknown => JSON.parse(line));
    const kept = await database.query<{ id: number; body: string }>('SELECT id, body FROM events ORDER BY id');
    expect(kept).toHaveLength(1_000 - OLD);
    expect(archived).toHaveLength(OLD);
    const expected = before.map((row) => (row.id === 900 ? { ...row, body: 'edited' } : row));
    const all = [...kept, ...archived].map((row) =>
      JSON.stringify(row, ['id', 'body']).replaceAll(/"id":"(\d+)"/g, '"id":$1'),
    );
    expect(all.toSorted()).toEqual(expected.map((row) => JSON.stringify(row)).toSorted());
    const [segment = ''] = await readdir(folder);
    for (const [path, mode] of [
      [folder, 0o700],
      [join(folder, segment), 0o700],
      [join(folder, segment, 'rows.ndjson.zst'), 0o600],
      [join(folder, segment, 'manifest.json'), 0o600],
    ] as const)
      expect((await stat(path)).mode & 0o777, path).toBe(mode);
  });

  test('settles what a killed run left: kept where rows are gone, given up where they are not', async ({
    database,
    session,
    directory,
  }) => {
    await make(database);
    const folder = join(directory, 'events');
    const settings = { rules: [{ ...RULE, archive: { directory } }], pace: 'full' };
    await runTask(prune, settings, { database: session });
    const [id = ''] = await readdir(folder);
    const manifest = await readManifest(join(folder, id));
    if (manifest === undefined) throw new Error('no manifest');
    const { lines } = await readSegments(folder);

    // Committed, but killed before it got its name.
    await rename(join(folder, id), join(folder, `${id}.partial`));
    await runTask(prune, settings, { database: session });
    expect(await readdir(folder)).toEqual([id]);

    // Written and read back, but killed before the commit: one row is as it was, one was edited since, one deleted.
    await database.query(
      `INSERT INTO events (at, body) SELECT now() - interval '10 days', 'young ' || g FROM generate_series(1, 3) g`,
    );
    const young = await database.query<{ line: string }>(
      `SELECT json_object(ARRAY['id', 'at', 'body'], ARRAY[id::text, (at AT TIME ZONE 'UTC')::text || '+00', body])::text AS line
           FROM events WHERE body LIKE 'young%' ORDER BY id`,
    );
    const { format: _, rows: __, bytes: ___, sha256: ____, ...head } = manifest;
    await writeSegment(
      folder,
      { ...head, id: 'x1' },
      young.map(({ line }) => line),
    );
    await writeSegment(
      folder,
      { ...head, id: 'x2' },
      young.slice(0, 2).map(({ line }) => line),
    );
    await database.query("UPDATE events SET body = 'young and edited' WHERE body = 'young 2'");
    await database.query("DELETE FROM events WHERE body = 'young 3'");
    // Killed in the middle of writing.
    await writeSegment(folder, { ...head, id: 'x3' }, ['{}']);
    await rm(join(folder, 'x3.partial', 'manifest.json'));
    await runTask(prune, settings, { database: session });
    expect((await readdir(folder)).toSorted()).toEqual([id, 'x1r'].toSorted());
    expect((await readSegments(folder)).lines.toSorted()).toEqual([...lines, young[2]?.line ?? ''].toSorted());

    // Killed after the rest was written and before what it stands for was given up.
    await rename(join(folder, 'x1r'), join(folder, 'x1r.partial'));
    await writeSegment(
      folder,
      { ...head, id: 'x1' },
      young.map(({ line }) => line),
    );
    await runTask(prune, settings, { database: session });
    expect((await readdir(folder)).toSorted()).toEqual([id, 'x1r'].toSorted());
  });

  test('gives a segment its name only once the rows are gone for good', async ({ database, session, directory }) => {
    await make(database);
    const folder = join(directory, 'events');
    const rule = { ...RULE, archive: { directory }, allowTriggers: ['veto'] };
    await database.query(
      `CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not today''; END';
       CREATE CONSTRAINT TRIGGER veto AFTER DELETE ON events DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION veto()`,
    );
    await expect(runTask(prune, { rules: [rule] }, { database: session })).rejects.toThrow('not today');
    expect(await rows(database, 'events')).toBe(1_000);
    expect(await readSegments(folder)).toMatchObject({ lines: [], pending: { length: OLD } });
    await database.query('DROP TRIGGER veto ON events');
    await runTask(prune, { rules: [rule] }, { database: session });
    const { lines, unsettled } = await readSegments(folder);
    expect([new Set(lines).size, lines.length, unsettled.length]).toEqual([OLD, OLD, 0]);
    expect(await rows(database, 'events')).toBe(1_000 - OLD);
  });

  test('ends at a segment that is damaged, or is of another table, and touches neither', async ({
    database,
    session,
    directory,
  }) => {
    await make(database);
    const folder = join(directory, 'events');
    const settings = { rules: [{ ...RULE, archive: { directory } }] };
    await runTask(prune, { ...settings, maxRows: 100 }, { database: session });
    const [id = ''] = await readdir(folder);
    await rename(join(folder, id), join(folder, `${id}.partial`));
    await database.query('CREATE TABLE other (LIKE events INCLUDING ALL)');
    const alien = runTask(
      prune,
      { rules: [{ ...RULE, table: 'other', archive: { directory } }] },
      { database: session },
    );
    await expect(alien).rejects.toMatchObject({ code: 'FILE_UNUSABLE', detail: 'prune.segment' });
    await writeFile(join(folder, `${id}.partial`, 'rows.ndjson.zst'), 'x');
    const damaged = runTask(prune, settings, { database: session });
    await expect(damaged).rejects.toMatchObject({ code: 'FILE_UNUSABLE', detail: 'prune.segment' });
    expect(await readdir(folder)).toContain(`${id}.partial`);
    expect(await rows(database, 'events')).toBe(900);
  });
});
