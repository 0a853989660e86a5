import { describe, expect } from 'vitest';
import { openSession } from '../../src/adapters/postgres.ts';
import { prune } from '../../src/tasks/prune.ts';
import { LIMITS, test, type TestDatabase } from '../support/database.ts';
import { performSteps, planTask, runTask } from '../support/run-task.ts';

const RULE = { name: 'notes', table: 'notes', age: 'at', olderThan: '30 days', maxShare: 1, keepAtLeast: 0 };
const LAST = { per: 'owner', count: 2 };
const ORPHANS = { table: 'owners', key: 'owner' };
const PLANS = {
  from: 'owners.plan',
  key: 'owner',
  map: { free: '30 days', admin: 'never' },
  min: '7 days',
  max: '1 year',
};

/** Ten notes of each of three owners, from 95 days ago on; a third owner is not there any more. */
async function make(database: TestDatabase): Promise<void> {
  await database.query(
    `DROP TABLE IF EXISTS owners, notes CASCADE; CREATE TABLE owners (id int PRIMARY KEY, plan text);
     INSERT INTO owners VALUES (1, 'free'), (2, 'admin');
     CREATE TABLE notes (id int PRIMARY KEY, owner int, at timestamptz);
     INSERT INTO notes SELECT n, n % 3 + 1, now() - (95 - n * 3) * interval '1 day' FROM generate_series(0, 29) n`,
  );
}

async function left(database: TestDatabase): Promise<readonly number[]> {
  const rows = await database.query<{ id: number }>('SELECT id FROM notes ORDER BY id');
  return rows.map(({ id }) => id);
}

describe('a rule that narrows what is old', () => {
  const refused: readonly (readonly [detail: string, sql: string, change: object, said: string])[] = [
    ['prune.unindexed', '', { keepLast: LAST }, 'no index of public.notes leads with'],
    ['prune.unindexed', 'CREATE INDEX ON notes (owner) WHERE at IS NOT NULL', { keepLast: LAST }, 'no index'],
    ['prune.column', '', { keepLast: { per: ['owner', 'nobody'], count: 1 } }, 'no column nobody'],
    ['prune.relation', '', { orphanOf: { ...ORPHANS, table: 'nowhere' } }, 'no table nowhere'],
    ['prune.relation', '', { orphanOf: { ...ORPHANS, key: 'nobody' } }, 'no column nobody'],
    ['prune.relation', '', { orphanOf: { ...ORPHANS, key: ['owner', 'id'] } }, 'not as many'],
    [
      'prune.relation',
      'CREATE VIEW v AS SELECT * FROM owners',
      { orphanOf: { ...ORPHANS, table: 'v' } },
      'is no table',
    ],
    ['prune.relation', 'ALTER TABLE owners DROP CONSTRAINT owners_pkey', { orphanOf: ORPHANS }, 'no primary key'],
    ['prune.unindexed', '', { orphanOf: { ...ORPHANS, references: 'plan' } }, 'leads with plan'],
    ['prune.orphans', 'TRUNCATE owners', { orphanOf: ORPHANS }, 'is empty'],
    [
      'prune.column',
      'ALTER TABLE owners ALTER id TYPE uuid USING gen_random_uuid()',
      { orphanOf: ORPHANS },
      'do not fit: ',
    ],
    ['prune.relation', '', { olderThan: { ...PLANS, from: 'owners.nothing' } }, 'no column nothing'],
    [
      'prune.relation',
      'ALTER TABLE owners DROP CONSTRAINT owners_pkey',
      { olderThan: { ...PLANS, references: 'id' } },
      'not unique',
    ],
    ['prune.interval', '', { olderThan: { ...PLANS, min: '31 days' } }, '30 days for free is not between'],
    ['prune.interval', '', { olderThan: { ...PLANS, max: '29 days' } }, '30 days for free is not between'],
    ['prune.interval', '', { olderThan: { ...PLANS, max: 'a while' } }, 'not usable'],
  ];

  test('is refused where it cannot do what it says, or would read too much', async ({ database, session }) => {
    for (const [detail, text, change, said] of refused) {
      await make(database);
      if (text !== '') await database.query(text);
      const [outcome] = await runTask(prune, { rules: [{ ...RULE, ...change }] }, { database: session });
      expect(outcome, said).toMatchObject({ status: 'fail', detail });
      expect(outcome?.summary).toContain(said);
      expect(outcome?.remediation?.length).toBeGreaterThan(1);
      expect(await left(database)).toHaveLength(30);
    }
  });

  test('is refused where the role sees only some of the parents, or none', async ({ database }) => {
    await make(database);
    const role = `r_${database.name}`;
    await database.query(`CREATE ROLE ${role} LOGIN; GRANT ALL ON notes TO ${role}`);
    try {
      await using session = openSession({
        connection: { ...database.connection, user: role },
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      });
      const rules = [{ ...RULE, orphanOf: ORPHANS }];
      const [blind] = await runTask(prune, { rules }, { database: session });
      expect(blind).toMatchObject({ status: 'fail', detail: 'prune.relation' });
      expect(blind?.summary).toContain('may not read public.owners');
      await database.query(
        `GRANT SELECT ON owners TO ${role};
         ALTER TABLE owners ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON owners USING (id = 1)`,
      );
      const [oneEyed] = await runTask(prune, { rules }, { database: session });
      expect(oneEyed).toMatchObject({ status: 'fail', detail: 'prune.relation' });
      expect(oneEyed?.summary).toContain('row-level security hides rows of public.owners');
      expect(await left(database)).toHaveLength(30);
    } finally {
      await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  test('says in a dry run what stays and why, plan by plan', async ({ database, reader }) => {
    await make(database);
    await database.query('CREATE INDEX ON notes (owner)');
    const rules = [{ ...RULE, olderThan: PLANS, keepLast: LAST }];
    const [step] = await planTask(prune, { rules }, { database: reader });
    const intent = step?.intent?.join('\n') ?? '';
    expect(intent).toContain('delete from notes what is older than owners.plan allows: at before');
    expect(intent).toContain('8 of 30 rows');
    expect(intent).toContain('the newest 2 rows of each owner stay');
    expect(intent).toContain('CREATE INDEX CONCURRENTLY ON public.notes ("owner", "at");');
    expect(intent).toContain('free: older than 30 days, 8 go');
    expect(intent).toContain('admin: never, 7 stay');
    expect(intent).toContain('no owners.plan: never, 7 stay');
  });

  test('takes no orphan once the parents were emptied under it', async ({ database, session }) => {
    await make(database);
    const rules = [{ ...RULE, orphanOf: ORPHANS }];
    const steps = await planTask(prune, { rules }, { database: session });
    await database.query('TRUNCATE owners');
    const [outcome] = await performSteps(steps, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 0 } });
    await database.query("INSERT INTO owners VALUES (1, 'free'), (2, 'admin')");
    await runTask(prune, { rules }, { database: session });
    expect(await left(database)).toEqual([
      0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    ]);
  });

  test('keeps the newest of a key while rows of it come and go', async ({ database, session }) => {
    await database.query(
      `CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner int, at timestamptz);
       CREATE INDEX ON notes (owner, at); CREATE INDEX ON notes (at);
       INSERT INTO notes (owner, at) SELECT n % 50, now() - interval '60 days' - n * interval '1 s'
         FROM generate_series(1, 20000) n`,
    );
    const over = new AbortController();
    const writer = (async () => {
      for (let turn = 0; !over.signal.aborted; turn += 1)
        await database.query("INSERT INTO notes (owner, at) VALUES ($1, now() - interval '40 days')", [turn % 50]);
    })();
    const [outcome] = await runTask(
      prune,
      { rules: [{ ...RULE, keepLast: { per: 'owner', count: 3 } }] },
      { database: session },
    );
    over.abort();
    await writer;
    expect(outcome?.status).toBe('done');
    const [fewest] = await database.query<{ rows: number; owners: number }>(
      `SELECT min(rows)::int AS rows, count(*)::int AS owners FROM (SELECT count(*) AS rows FROM notes GROUP BY owner) n`,
    );
    expect(fewest).toMatchObject({ owners: 50 });
    expect(fewest?.rows).toBeGreaterThanOrEqual(3);
  });
});
