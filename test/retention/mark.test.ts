import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { prune } from '../../src/tasks/prune.ts';
import { openApp } from '../support/client.ts';
import { test, type TestDatabase } from '../support/database.ts';
import { planTask, runTask } from '../support/run-task.ts';

const RULE = { name: 'jobs', table: 'jobs', age: 'at', olderThan: '30 days', maxShare: 1, keepAtLeast: 0 };
const SOFT = { ...RULE, action: 'soft-delete', mark: 'gone_at' };
const CHILD = { table: 'parts', key: 'job' };
const STRIP = { ...RULE, action: 'strip', mark: 'stripped_at', strip: { columns: ['payload'], children: [CHILD] } };

async function make(database: TestDatabase, layout = { isIndexed: false, isPartitioned: false }): Promise<void> {
  const { isIndexed, isPartitioned } = layout;
  await database.query(
    `DROP TABLE IF EXISTS jobs, parts CASCADE;
     CREATE TABLE jobs (id int PRIMARY KEY, at timestamptz, payload text, gone_at timestamptz, stripped_at timestamptz)
       ${isPartitioned ? 'PARTITION BY HASH (id)' : ''};
     CREATE TABLE parts (id int PRIMARY KEY, job int, kind text); CREATE INDEX ON parts (job);`,
  );
  if (isPartitioned)
    await database.query(
      `CREATE TABLE jobs_0 PARTITION OF jobs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
       CREATE TABLE jobs_1 PARTITION OF jobs FOR VALUES WITH (MODULUS 2, REMAINDER 1)`,
    );
  if (isIndexed) await database.query('CREATE INDEX ON jobs (at)');
}

async function fill(database: TestDatabase): Promise<void> {
  await database.query(
    `INSERT INTO jobs (id, at, payload) SELECT n, now() - n * interval '1 day' - interval '1 hour', 'long' FROM generate_series(0, 99) n;
     INSERT INTO parts SELECT n, n / 3, CASE n % 3 WHEN 0 THEN 'keep' ELSE 'go' END FROM generate_series(0, 299) n`,
  );
}

async function count(database: TestDatabase, condition: string): Promise<number> {
  const [row] = await database.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${condition}`);
  return row?.rows ?? -1;
}

describe('action: soft-delete', () => {
  test('marks what is old, once, and a second rule deletes what was marked long enough', async ({
    database,
    session,
  }) => {
    await make(database);
    await fill(database);
    await database.query("UPDATE jobs SET gone_at = now() - interval '99 days' WHERE id IN (1, 98, 99)");
    const [step] = await planTask(prune, { rules: [{ ...SOFT, maxShare: 0.71 }] }, { database: session });
    expect(step?.intent?.join('\n')).toContain('set gone_at of jobs where it is older than 30 days');
    expect(step?.intent?.join('\n')).toContain('68 of 97 rows (70 %)');
    expect(step?.intent?.join('\n')).toMatch(
      /UPDATE ONLY "public"."jobs" SET "gone_at" = now\(\) WHERE .*"gone_at" IS NULL/,
    );
    const rules = [SOFT, { ...RULE, name: 'gone', age: 'gone_at' }];
    const [marked, deleted] = await runTask(prune, { rules, vacuum: false }, { database: session });
    expect(marked).toMatchObject({ status: 'done', facts: { rows: 68, remaining: 0 } });
    expect(marked?.summary).toContain('68 rows of jobs older than 30 days marked');
    expect(deleted).toMatchObject({ status: 'done', facts: { rows: 3 } });
    expect(await count(database, 'jobs WHERE gone_at IS NOT NULL AND payload IS NOT NULL')).toBe(68);
    expect(await count(database, 'jobs')).toBe(97);
    const [again] = await runTask(prune, { rules: [SOFT] }, { database: session });
    expect(again).toMatchObject({ status: 'done', facts: { rows: 0 } });
  });

  test('knows marks of several types', async ({ database, session }) => {
    for (const [type, isMarked] of [
      ['boolean NOT NULL DEFAULT false', 'mark'],
      ['date', "mark = (now() AT TIME ZONE 'Asia/Tokyo')::date"],
      ['timestamp', "mark AT TIME ZONE 'Asia/Tokyo' BETWEEN now() - interval '1 min' AND now()"],
    ] as const) {
      await make(database);
      await fill(database);
      await database.query(`ALTER TABLE jobs ADD mark ${type}`);
      const rule = { ...SOFT, mark: 'mark', timezone: 'Asia/Tokyo' };
      const [outcome] = await runTask(prune, { rules: [rule] }, { database: session });
      expect(outcome, type).toMatchObject({ status: 'done', facts: { rows: 70 } });
      expect(await count(database, `jobs WHERE ${isMarked}`)).toBe(70);
    }
  });
});

describe('action: strip', () => {
  test(
    'takes children and columns, and leaves the row, row by row as a count says',
    { timeout: 240_000 },
    async ({ database, session }) => {
      const jobs = fc.array(
        fc.record({
          days: fc.option(fc.integer({ min: 0, max: 60 })),
          isStripped: fc.boolean(),
          parts: fc.array(fc.constantFrom('keep', 'go', null), { maxLength: 4 }),
        }),
        { maxLength: 60, size: 'max' },
      );
      const layouts = fc.record({ isIndexed: fc.boolean(), isPartitioned: fc.boolean(), hasChildren: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(jobs, layouts, async (rows, { hasChildren, ...layout }) => {
          await make(database, layout);
          await database.query(
            `INSERT INTO jobs SELECT n - 1, now() - days * interval '1 day' - interval '1 hour', 'long', NULL,
                                   CASE WHEN stripped THEN now() END
             FROM unnest($1::int[], $2::bool[]) WITH ORDINALITY j(days, stripped, n)`,
            [rows.map(({ days }) => days), rows.map(({ isStripped }) => isStripped)],
          );
          const parts = rows.flatMap((row, job) => row.parts.map((kind) => ({ job, kind })));
          await database.query(
            'INSERT INTO parts SELECT n - 1, job, kind FROM unnest($1::int[], $2::text[]) WITH ORDINALITY p(job, kind, n)',
            [parts.map(({ job }) => job), parts.map(({ kind }) => kind)],
          );
          const strip = {
            columns: ['payload'],
            ...(hasChildren && { children: [{ ...CHILD, where: "kind = 'go'" }] }),
          };
          const [outcome] = await runTask(
            prune,
            { rules: [{ ...STRIP, strip }], pace: 'full', vacuum: false },
            { database: session },
          );
          const isDue = (job: number): boolean => {
            const row = rows[job];
            return row !== undefined && !row.isStripped && row.days !== null && row.days >= 30;
          };
          const due = rows.flatMap((_, job) => (isDue(job) ? [job] : []));
          expect(outcome).toMatchObject({ status: 'done', facts: { rows: due.length, remaining: 0 } });
          const left = await database.query<{ id: number }>('SELECT id FROM parts ORDER BY id');
          const stay = parts.flatMap(({ job, kind }, id) => (hasChildren && kind === 'go' && isDue(job) ? [] : [id]));
          expect(left.map(({ id }) => id)).toEqual(stay);
          const emptied = await database.query<{ id: number }>('SELECT id FROM jobs WHERE payload IS NULL ORDER BY id');
          expect(emptied.map(({ id }) => id)).toEqual(due);
          expect(await count(database, 'jobs')).toBe(rows.length);
          expect(await count(database, 'jobs WHERE stripped_at IS NOT NULL')).toBe(
            rows.filter(({ isStripped }, job) => isStripped || isDue(job)).length,
          );
        }),
        { numRuns: 40 },
      );
    },
  );

  test('strips whole or not at all beside a session that holds a row, and says so', async ({ database, session }) => {
    await make(database);
    await fill(database);
    {
      await using app = await openApp(database.url, 'app');
      await app.query('BEGIN; SELECT FROM jobs WHERE id = 50 FOR UPDATE');
      const [outcome] = await runTask(
        prune,
        { rules: [STRIP], lockTimeout: '200ms', vacuum: false },
        { database: session },
      );
      expect(outcome).toMatchObject({ status: 'warn', facts: { rows: 69, attributes: 207, remaining: 1 } });
      expect(outcome?.summary).toContain(
        '69 rows of jobs older than 30 days stripped with 207 rows of parts, 1 remain',
      );
    }
    expect(await count(database, 'parts WHERE job = 50')).toBe(3);
    expect(await count(database, 'jobs WHERE id = 50 AND stripped_at IS NULL AND payload IS NOT NULL')).toBe(1);
    expect(await count(database, 'parts')).toBe(93);
  });

  test('is refused where it would break or hide something', async ({ database, session }) => {
    const child = (change: object): object => ({ strip: { children: [{ ...CHILD, ...change }] } });
    const trigger = "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ";
    const cases: readonly (readonly [detail: string, sql: string, rule: object, said: string])[] = [
      ['prune.mark', '', { mark: 'nothing' }, 'jobs.nothing does not exist'],
      ['prune.mark', '', { mark: 'payload' }, 'jobs.payload has the type text'],
      ['prune.mark', 'ALTER TABLE jobs ALTER stripped_at TYPE timestamp', {}, 'without time zone'],
      ['prune.column', '', { strip: { columns: ['nothing'] } }, 'public.jobs.nothing, which'],
      ['prune.column', '', { strip: { columns: ['id'] } }, 'cannot be NULL'],
      ['prune.strip', '', child({ table: 'nowhere' }), 'there is no table nowhere'],
      ['prune.strip', '', child({ key: 'nothing' }), 'there is no column nothing'],
      ['prune.strip', '', child({ references: 'nothing' }), 'there is no column nothing'],
      ['prune.strip', 'ALTER TABLE jobs ADD ref int DEFAULT 1', child({ references: 'ref' }), 'jobs.ref is not unique'],
      [
        'prune.column',
        `UPDATE jobs SET payload = id; ALTER TABLE jobs ADD UNIQUE (payload);
         CREATE TABLE crumbs (of text REFERENCES jobs (payload) ON UPDATE CASCADE); INSERT INTO crumbs SELECT payload FROM jobs`,
        {},
        'rows of crumbs refer to payload',
      ],
      ['prune.strip', '', child({ where: 'true) OR (true' }), 'is not one boolean expression'],
      ['prune.strip', '', child({ where: 'nothing' }), 'the condition on public.parts is not usable'],
      ['prune.unindexed', 'DROP INDEX parts_job_idx', {}, 'no index of public.parts leads with job'],
      [
        'prune.blocked',
        'CREATE TABLE crumbs (part int REFERENCES parts); CREATE INDEX ON crumbs (part); INSERT INTO crumbs VALUES (0)',
        {},
        'rows of crumbs may refer to rows of public.parts',
      ],
      [
        'prune.trigger',
        `${trigger} CREATE TRIGGER t BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION f()`,
        {},
        't on jobs would fire for each changed row',
      ],
      [
        'prune.trigger',
        `${trigger} CREATE TRIGGER t BEFORE DELETE ON parts FOR EACH ROW EXECUTE FUNCTION f()`,
        {},
        't on parts would fire for each deleted row',
      ],
    ];
    for (const [detail, text, change, said] of cases) {
      await make(database);
      await fill(database);
      if (text !== '') await database.query(text);
      const [outcome] = await runTask(
        prune,
        { rules: [{ ...STRIP, ...change }], vacuum: false },
        { database: session },
      );
      expect(outcome, said).toMatchObject({ status: 'fail', detail });
      expect(outcome?.summary).toContain(said);
      expect(outcome?.summary).toContain('nothing was stripped');
      expect([await count(database, 'parts'), await count(database, 'jobs WHERE stripped_at IS NULL')]).toEqual([
        300, 100,
      ]);
      await database.query('DROP TABLE IF EXISTS crumbs');
    }
  });

  test.for<readonly [rule: object, said: string]>([
    [{ action: 'prune' }, 'Invalid option'],
    [{ action: 'soft-delete' }, 'name the column that is set: mark'],
    [{ action: 'strip', mark: 'm' }, 'say what goes: strip'],
    [{ action: 'strip', mark: 'm', strip: {} }, 'name columns, children or both'],
    [{ action: 'soft-delete', mark: 'm', strip: { columns: ['c'] } }, 'only the action strip has strip'],
    [{ mark: 'm' }, 'only the actions soft-delete and strip have a mark'],
    [{ action: 'soft-delete', mark: 'm', archive: { table: 't' } }, 'only rows that are deleted are archived'],
  ])('%j is a mistake in the configuration', ([change, said]) => {
    const read = prune.settings.safeParse({ rules: [{ ...RULE, ...change }] });
    expect(JSON.stringify(read.error?.issues)).toContain(said);
  });
});
