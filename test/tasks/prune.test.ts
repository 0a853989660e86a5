import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { prune } from '../../src/tasks/prune.ts';
import { openApp } from '../support/client.ts';
import { clusterUrl, LIMITS, test, type TestDatabase } from '../support/database.ts';
import { performSteps, planTask, runTask } from '../support/run-task.ts';

const RULE = { name: 'events', table: 'events', age: 'at', olderThan: '30 days' };

/** A row an hour: of 1,000 rows 281 are older than 30 days. */
async function makeEvents(database: TestDatabase, columns = ''): Promise<void> {
  await database.query(`CREATE TABLE events (id int PRIMARY KEY, at timestamptz, kind text ${columns})`);
  await database.query(
    `INSERT INTO events (id, at, kind)
     SELECT g, now() - g * interval '1 hour', CASE WHEN g % 2 = 0 THEN 'even' ELSE 'odd' END
       FROM generate_series(1, 1000) g`,
  );
  await database.query('CREATE INDEX ON events (at)');
}

async function count(database: TestDatabase, table = 'events'): Promise<number | undefined> {
  const [row] = await database.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${table}`);
  return row?.rows;
}

describe('prune', () => {
  test('without a rule deletes nothing and says so', async ({ session }) => {
    const [outcome] = await runTask(prune, {}, { database: session });
    expect(outcome).toMatchObject({ status: 'skip', summary: 'no rule is configured, so nothing is ever deleted' });
  });

  test('says what it did, and the second time that nothing is old any more', async ({ database, session }) => {
    await makeEvents(database);
    const [first] = await runTask(prune, { rules: [RULE] }, { database: session });
    expect(first?.summary).toMatch(/^281 rows of events older than 30 days deleted in 1 batch, longest \d+ ms$/);
    expect(first?.facts).toMatchObject({ rows: 281, batches: 1, remaining: 0, ending: 'finished', keepsPace: true });
    expect(Number(first?.facts?.['walBytes'])).toBeGreaterThan(281 * 20);
    expect(first?.samples?.find(({ name }) => name === 'prune.rate')?.value).toBe(first?.facts?.['rowsPerSecond']);
    expect(await count(database)).toBe(719);
    const [second] = await runTask(prune, { rules: [RULE] }, { database: session });
    expect(second).toMatchObject({ status: 'done', summary: 'no row of events older than 30 days' });
  });

  test('shows in a dry run which rows would go and by which statement', async ({ database, reader }) => {
    await makeEvents(database);
    await database.query(
      'CREATE TABLE notes (event int REFERENCES events ON DELETE CASCADE); CREATE INDEX ON notes (event)',
    );
    const rules = [{ ...RULE, where: "kind = 'even'" }];
    const steps = await planTask(prune, { rules, explain: true }, { database: reader });
    const [step] = steps;
    const intent = step?.intent?.join('\n') ?? '';
    expect(intent).toContain('141 of 1,000 rows (14 %)');
    expect(intent).toContain('such as {"id":1000}, {"id":998}');
    expect(intent).toContain('public.events: ranges of the age column, by its index');
    expect(intent).toContain('rows of notes that refer to them go too (notes_event_fkey)');
    expect(intent).toMatch(/DELETE FROM ONLY "public"."events" WHERE "at" >= \$1.* AND \(kind = 'even'\) -- \$1 = 20/);
    expect(intent).toContain('how long it takes is not known');
    expect(intent).toContain(
      'waits up to 15 min for sessions that wait for the table, a replica more than 64 MB behind',
    );
    expect(intent).toMatch(/Delete on events .*\n.*Scan/);
    expect(await performSteps(steps, { database: reader })).toMatchObject([{ status: 'skip' }, { status: 'skip' }]);
    expect(await count(database)).toBe(1_000);
  });

  test('runs the one rule that was asked for, and knows no other name', async ({ database, session }) => {
    await makeEvents(database);
    const rules = [RULE, { ...RULE, name: 'other', olderThan: '20 days' }];
    const steps = await planTask(prune, { rules, rule: 'other' }, { database: session });
    expect(steps.map(({ title }) => title)).toEqual(['rule other', 'vacuum']);
    const [, second] = await planTask(prune, { rules }, { database: session });
    expect(second?.intent).toContain('281 of them go by events before, 240 are left for this rule');
    expect(prune.settings.safeParse({ rules, rule: 'nobody' }).success).toBe(false);
    expect(prune.settings.safeParse({ rules: [RULE, RULE] }).success).toBe(false);
  });

  test('goes on with the next rule after one that cannot be done', async ({ database, session }) => {
    await makeEvents(database);
    const rules = [{ ...RULE, name: 'wrong', table: 'nowhere' }, RULE];
    const outcomes = await runTask(prune, { rules }, { database: session });
    expect(outcomes.map(({ status }) => status)).toEqual(['fail', 'done', 'done']);
  });

  test('begins no batch once so many rows are gone, and says what remains', async ({ database, session }) => {
    await makeEvents(database);
    const [outcome] = await runTask(prune, { rules: [RULE], maxRows: 100 }, { database: session });
    expect(outcome).toMatchObject({ status: 'warn', facts: { rows: 100, remaining: 181, ending: 'max-rows' } });
    expect(await count(database)).toBe(900);
  });

  test('begins no batch once its time is up', async ({ database, session }) => {
    await makeEvents(database);
    let hour = 0;
    const now = (): Date => new Date(Date.now() + hour * 3_600_000);
    const steps = await planTask(prune, { rules: [RULE], maxTime: '10 min' }, { database: session, now });
    hour = 1;
    const [outcome] = await performSteps(steps, { database: session, now });
    expect(outcome).toMatchObject({ status: 'warn', facts: { rows: 0, remaining: 281, ending: 'max-time' } });
  });

  test('begins no batch outside of its time of day, and says when it falls behind', async ({ database, session }) => {
    await makeEvents(database);
    const now = new Date();
    const before = (hours: number): string => new Date(now.getTime() + hours * 3_600_000).toISOString().slice(11, 16);
    const nights = [4, 3, 2, 1].map((night) => ({
      at: new Date(now.getTime() - night * 86_400_000),
      value: 5 - night,
    }));
    const history = { samples: () => nights };
    const settings = { rules: [RULE], window: `${before(2)}-${before(4)}` };
    const outcomes = await runTask(prune, settings, { database: session, now: () => now, history });
    expect(outcomes).toMatchObject([
      {
        status: 'warn',
        detail: 'prune.behind',
        facts: { rows: 0, remaining: 281, ending: 'window', keepsPace: false },
      },
      { status: 'skip' },
    ]);
    expect(outcomes[0]?.summary).toContain('it falls behind: 1 remained 4 runs ago');
  });

  test('stopped between two batches keeps what is done and says how far it came', async ({ database, session }) => {
    await makeEvents(database);
    await database.query(`INSERT INTO events SELECT g, now() - interval '60 days' - g * interval '1 second', 'x'
                            FROM generate_series(1001, 30000) g`);
    const stop = new AbortController();
    const around = { signal: stop.signal, onProgress: () => stop.abort('SIGTERM') };
    const rules = [{ ...RULE, maxShare: 1 }];
    const [outcome] = await runTask(prune, { rules }, { database: session.within(stop.signal), ...around });
    expect(outcome).toMatchObject({ status: 'warn', facts: { ending: 'stopped', rows: 1_000, remaining: 28_281 } });
    expect(await count(database)).toBe(29_000);
  });

  test('takes 200,000 rows of one instant in more than one batch', async ({ database, session }) => {
    await database.query('CREATE TABLE events (id int, at timestamptz, kind text); CREATE INDEX ON events (at)');
    await database.query(`INSERT INTO events SELECT g, '2020-02-02', 'x' FROM generate_series(1, 200000) g`);
    await database.query(`INSERT INTO events SELECT g, now(), 'x' FROM generate_series(1, 10) g; ANALYZE events`);
    const [shown] = await planTask(
      prune,
      { rules: [{ ...RULE, maxShare: 0.99, keepAtLeast: 10 }] },
      { database: session },
    );
    expect(shown?.intent?.join('\n')).toContain('200,000 of about 200,010 rows');
    expect(shown?.intent?.[0]).toContain('refused: 100 % of events would go (200,000 of 200,010 rows)');
    const [outcome] = await runTask(prune, { rules: [{ ...RULE, maxShare: 1 }], pace: 'full' }, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 200_000, remaining: 0 } });
    expect(Number(outcome?.facts?.['batches'])).toBeGreaterThan(1);
    expect(await count(database)).toBe(10);
  });
});

describe('a rule is refused before the first row', () => {
  test.for<readonly [detail: string, sql: string, change: object]>([
    ['prune.table', '', { table: 'nowhere' }],
    ['prune.table', 'CREATE VIEW v AS SELECT * FROM events', { table: 'v' }],
    ['prune.age', '', { age: 'nothing' }],
    ['prune.age', '', { age: 'kind' }],
    ['prune.age', '', { age: 'id' }],
    ['prune.age', 'ALTER TABLE events ALTER at TYPE timestamp', {}],
    ['prune.interval', '', { olderThan: 'a while' }],
    ['prune.interval', '', { olderThan: '-3 days' }],
    ['prune.interval', '', { timezone: 'Atlantis/Centre' }],
    ['prune.where', '', { where: 'true) OR (true' }],
    ['prune.where', '', { where: 'kind' }],
    ['prune.where', '', { where: 'nothing = 1' }],
    ['prune.where', '', { where: 'random() < 0.5' }],
    [
      'prune.where',
      `CREATE FUNCTION "Is due"(int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END'`,
      { where: `kind = 'random(' AND (SELECT bool_or("Is due"(id)) FROM generate_series(1, 2) id)` },
    ],
    ['prune.young', '', { olderThan: '22 hours', maxShare: 1 }],
    ['prune.share', '', { maxShare: 0.28 }],
    ['prune.floor', '', { keepAtLeast: 720 }],
    ['prune.empties', 'DELETE FROM events WHERE id < 721', {}],
    ['prune.unindexed', 'CREATE TABLE c (e int REFERENCES events ON DELETE CASCADE); INSERT INTO c VALUES (1)', {}],
    [
      'prune.unindexed',
      `CREATE TABLE c (id int PRIMARY KEY, e int REFERENCES events ON DELETE CASCADE); CREATE INDEX ON c (e);
       CREATE TABLE d (c int REFERENCES c ON DELETE SET NULL); INSERT INTO c VALUES (1, 1); INSERT INTO d VALUES (1)`,
      {},
    ],
    ['prune.blocked', 'CREATE TABLE c (e int PRIMARY KEY REFERENCES events); INSERT INTO c VALUES (1000)', {}],
    [
      'prune.blocked',
      'CREATE TABLE c (e int PRIMARY KEY REFERENCES events ON DELETE RESTRICT); INSERT INTO c VALUES (1000)',
      {},
    ],
    [
      'prune.blocked',
      `ALTER TABLE events ADD parent int REFERENCES events ON DELETE CASCADE; CREATE INDEX ON events (parent);
       UPDATE events SET parent = 1000 WHERE id = 1`,
      {},
    ],
    [
      'prune.trigger',
      `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
       CREATE TRIGGER audit BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION f()`,
      {},
    ],
    ['prune.trigger', 'CREATE RULE quiet AS ON DELETE TO events DO INSTEAD NOTHING', {}],
  ])('%s: %s %j', async ([detail, text, change], { database, session }) => {
    await makeEvents(database);
    if (text !== '') await database.query(text);
    const before = await count(database);
    const steps = await planTask(prune, { rules: [{ ...RULE, ...change }] }, { database: session });
    expect(steps[0]?.intent?.join('\n')).toContain('refused: ');
    const [outcome] = await performSteps(steps, { database: session });
    expect(outcome).toMatchObject({ status: 'fail', detail });
    expect(outcome?.remediation?.length).toBeGreaterThan(1);
    expect(await count(database)).toBe(before);
  });

  test('when the clocks of host and database do not agree', async ({ database, session }) => {
    await makeEvents(database);
    const now = (): Date => new Date(Date.now() + 90_000);
    const [outcome] = await runTask(prune, { rules: [RULE] }, { database: session, now });
    expect(outcome).toMatchObject({ status: 'fail', detail: 'prune.clock' });
  });

  test('when there is no verified backup that is fresh enough', async ({ database, session }) => {
    await makeEvents(database);
    const settings = { rules: [RULE], requireBackup: '26h' };
    const [outcome] = await runTask(prune, settings, { database: session });
    expect(outcome).toMatchObject({ status: 'fail', detail: 'prune.backup' });
    expect(outcome?.summary).toContain('no verified backup of the last 26 h was found: there is none');
    expect(await count(database)).toBe(1_000);
  });

  test('on a standby', async ({ database, session }) => {
    await makeEvents(database);
    const standby = { ...session, server: async () => ({ ...(await session.server()), isStandby: true }) };
    const [outcome] = await runTask(prune, { rules: [RULE] }, { database: standby });
    expect(outcome).toMatchObject({ status: 'fail', detail: 'prune.standby' });
    expect(await count(database)).toBe(1_000);
  });

  test('but not for children that do not stand in its way, nor for a trigger that the rule allows', async ({
    database,
    session,
  }) => {
    await makeEvents(database);
    await database.query(
      `CREATE TABLE c (e int PRIMARY KEY REFERENCES events); INSERT INTO c VALUES (1);
       CREATE TABLE empty (e int REFERENCES events);
       CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
       CREATE TRIGGER audit BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION f()`,
    );
    const [outcome] = await runTask(prune, { rules: [{ ...RULE, allowTriggers: ['audit'] }] }, { database: session });
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 281 } });
  });
});

describe('beside other sessions', () => {
  test('a row that someone holds is left, the rest goes, and the next run takes it', async ({ database, session }) => {
    await makeEvents(database);
    const settings = { rules: [RULE], lockTimeout: '200ms', pace: 'full' };
    {
      await using holder = await openApp(database.url, 'holder');
      await holder.query('BEGIN; SELECT FROM events WHERE id = 900 FOR KEY SHARE');
      const [outcome] = await runTask(prune, settings, { database: session });
      expect(outcome).toMatchObject({
        status: 'warn',
        facts: { rows: 280, remaining: 1, lockTimeouts: 1, lockedSkipped: 1 },
      });
      expect(outcome?.summary).toContain('other sessions held them');
    }
    const [again] = await runTask(prune, settings, { database: session });
    expect(again).toMatchObject({ status: 'done', facts: { rows: 1, remaining: 0 } });
  });

  test('a role that may not lock rows leaves a range with a held one to the next run', async ({ database }) => {
    await makeEvents(database);
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT, DELETE ON events TO ${role}`);
    {
      await using session = openSession({
        connection: parseConnection(new Secret(clusterUrl(database.name, role))),
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      });
      await using holder = await openApp(database.url, 'holder');
      await holder.query('BEGIN; SELECT FROM events WHERE id = 900 FOR KEY SHARE');
      const settings = { rules: [RULE], lockTimeout: '200ms', pace: 'full' };
      const [outcome] = await runTask(prune, settings, { database: session });
      expect(outcome).toMatchObject({ status: 'warn', facts: { rows: 0, remaining: 281, lockedSkipped: 281 } });
      await holder.query('COMMIT');
      expect((await runTask(prune, settings, { database: session }))[0]).toMatchObject({ facts: { rows: 281 } });
    }
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('someone who waits for a doomed row while another holds one waits no longer than the lock timeout', async ({
    database,
    session,
  }) => {
    await makeEvents(database);
    await using holder = await openApp(database.url, 'holder');
    await using user = await openApp(database.url, 'user');
    // The oldest rows go first: when the batch meets the held one, it already holds the others.
    await holder.query('BEGIN; SELECT FROM events WHERE id = 800 FOR KEY SHARE');
    const run = runTask(prune, { rules: [RULE], lockTimeout: '1s' }, { database: session });
    await setTimeout(300);
    await user.query(`SET statement_timeout = '15s'; UPDATE events SET kind = 'used' WHERE id = 999`);
    await expect(run).resolves.toMatchObject([{ status: 'warn', facts: { rows: 280 } }, {}]);
  });

  test('an idle reader and a change of the table that waits behind it let nobody wait for the batches', async ({
    database,
    session,
  }) => {
    await makeEvents(database);
    await using reader = await openApp(database.url, 'reader');
    await using changer = await openApp(database.url, 'changer');
    await reader.query('BEGIN; SELECT count(*) FROM events');
    const steps = await planTask(prune, { rules: [RULE] }, { database: session });
    const change = changer.query('ALTER TABLE events ADD COLUMN more int');
    await setTimeout(300);
    const run = performSteps(steps, { database: session });
    await setTimeout(1_000);
    await reader.query('COMMIT');
    await change;
    const [outcome] = await run;
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 281 } });
    expect(outcome?.facts?.['pausedMs']).toHaveProperty('sessions waiting');
  });

  test('nothing goes while the disk of the database is too full, and in the end the rule gives up', async ({
    database,
    session,
  }) => {
    await makeEvents(database);
    const gates = { minFreeSpace: '1000 TB', patience: '1ms' };
    const [outcome] = await runTask(prune, { rules: [RULE], gates }, { database: session });
    expect(outcome).toMatchObject({ status: 'warn', facts: { ending: 'free space', rows: 0, remaining: 281 } });
    expect(outcome?.facts?.['pausedMs']).toHaveProperty('free space');
  });

  test('a table that someone has locked ends its rule, not the run', async ({ database, session }) => {
    await makeEvents(database);
    await database.query('CREATE TABLE calm AS SELECT * FROM events');
    await using holder = await openApp(database.url, 'holder');
    const rules = [RULE, { ...RULE, name: 'calm', table: 'calm' }];
    const steps = await planTask(prune, { rules, lockTimeout: '200ms' }, { database: session });
    await holder.query('BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
    const [locked, calm] = await performSteps(steps, { database: session });
    expect(locked).toMatchObject({ status: 'warn', facts: { ending: 'locked', rows: 0, remaining: 281 } });
    expect(calm).toMatchObject({ status: 'done', facts: { rows: 281 } });
  });

  test('a row that became young while batches ran stays', async ({ database, session }) => {
    await makeEvents(database);
    await database.query(`INSERT INTO events SELECT g, now() - interval '60 days' - g * interval '1 second', 'x'
                            FROM generate_series(1001, 20000) g`);
    const over = new AbortController();
    const touched: number[] = [];
    const writer = (async () => {
      for (let turn = 0; !over.signal.aborted; turn += 1) {
        const id = ((turn * 7_919) % 20_000) + 1;
        const rows = await database.query<{ id: number }>('UPDATE events SET at = now() WHERE id = $1 RETURNING id', [
          id,
        ]);
        touched.push(...rows.map((row) => row.id));
      }
    })();
    const [outcome] = await runTask(prune, { rules: [{ ...RULE, maxShare: 1 }] }, { database: session });
    over.abort();
    await writer;
    expect(outcome?.facts).toMatchObject({ remaining: 0 });
    const ids = new Set((await database.query<{ id: number }>('SELECT id FROM events')).map(({ id }) => id));
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.filter((id) => !ids.has(id))).toEqual([]);
    expect([...ids].filter((id) => id > 719 && !touched.includes(id))).toEqual([]);
    expect(ids.size).toBe(719 + new Set(touched.filter((id) => id > 719)).size);
  });
});
