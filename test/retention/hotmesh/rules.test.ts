import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import { parseConnection } from '../../../src/adapters/connection.ts';
import { openSession, type Session } from '../../../src/adapters/postgres.ts';
import { Secret } from '../../../src/base/secret.ts';
import { prune } from '../../../src/tasks/prune.ts';
import { clusterUrl, LIMITS, test as withDatabase, type TestDatabase } from '../../support/database.ts';
import { makeHotmesh, putJobs, putMessages, type Job, type Message } from '../../support/hotmesh.ts';
import { planTask, runTask } from '../../support/run-task.ts';

/** A role that may not do more than it is granted, and a session of it. */
interface Plain {
  readonly role: string;
  readonly session: Session;
  /** Lets it read and write the tables of `app`. */
  grant(): Promise<void>;
}

const test = withDatabase.extend<{ plain: Plain }>({
  plain: async ({ database }, use) => {
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN`);
    {
      await using session = openSession({
        connection: parseConnection(new Secret(clusterUrl(database.name, role))),
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      });
      await use({
        role,
        session,
        grant: async () => {
          await database.query(`GRANT USAGE ON SCHEMA app TO ${role};
                                GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app TO ${role}`);
        },
      });
    }
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  },
});

const JOB: Job = {
  key: 'hmsh:app:j:one',
  entity: 'book',
  status: 0,
  endedAge: 8,
  expiredAge: -20,
  prunedAge: null,
  isLive: true,
  attributes: { jdata: 2, udata: 1, jmark: 2, hmark: 1, adata: 5, other: 2, status: 1 },
};
const MESSAGE: Message = { queue: 'app', createdAge: 40, endedAge: 8, visibleIn: -40, isDead: false };
const FULL = { hotmesh: {}, pace: 'full' };

/** Keys and whether they are marked and live, then how many attributes each type has. */
async function jobsIn(database: TestDatabase, schema = 'app'): Promise<readonly string[]> {
  const rows = await database.query<{ job: string }>(
    `SELECT concat_ws(' ', regexp_replace(key, '.*:', ''), CASE WHEN to_jsonb(j)->>'pruned_at' IS NOT NULL THEN 'pruned' END,
                      CASE WHEN is_live THEN 'live' END,
                      (SELECT count(*) FROM ${schema}.jobs_attributes a WHERE a.job_id = j.id)) AS job
       FROM ${schema}.jobs j`,
  );
  return rows.map(({ job: words }) => words).toSorted();
}

async function count(database: TestDatabase, table: string): Promise<number | undefined> {
  return (await database.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${table}`))[0]?.rows;
}

const job = (name: string, change: Partial<Job> = {}): Job => ({ ...JOB, key: `hmsh:app:j:${name}`, ...change });

describe('the rules of HotMesh', () => {
  test('are off without their block, and with `maintenance: false`', async ({ database, session }) => {
    await makeHotmesh(database, 'app', 'new');
    await putJobs(database, 'app', 'new', [job('old')]);
    for (const settings of [{}, { hotmesh: { maintenance: false } }]) {
      const [outcome, ...more] = await runTask(prune, settings, { database: session });
      expect(outcome).toMatchObject({ status: 'skip' });
      expect(more).toEqual([]);
    }
    expect(await jobsIn(database)).toEqual(['old live 14']);
  });

  test('by default prune after 7 days, and say how many jobs and attributes', async ({ database, session }) => {
    await makeHotmesh(database, 'app', 'new');
    await putJobs(database, 'app', 'new', [job('old'), job('young', { endedAge: 6 }), job('busy', { status: 2 })]);
    const outcomes = await runTask(prune, FULL, { database: session });
    expect(await jobsIn(database)).toEqual(['busy live 14', 'old pruned live 6', 'young live 14']);
    expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(outcomes[2]?.summary).toMatch(
      /^1 job of app with an entity and older than 7 days pruned with 8 attributes in \d batch(es)?, longest \d+ ms$/,
    );
    expect(outcomes[2]?.facts).toMatchObject({ rule: 'hotmesh-entity-jobs', rows: 1, attributes: 8 });
    expect(outcomes[0]?.summary).toBe('no message of app finished more than 7 days ago');
  });

  test('never take open messages or sleeping timers, however old, and dead letters only where allowed', async ({
    database,
    session,
  }) => {
    await makeHotmesh(database, 'app', 'new');
    const sent = [
      MESSAGE,
      { ...MESSAGE, endedAge: null },
      { ...MESSAGE, endedAge: null, visibleIn: 30 },
      { ...MESSAGE, isDead: true },
    ];
    await putMessages(database, 'app', 'new', [...sent, ...sent]);
    const hotmesh = { keepDeadLetters: true };
    const [kept] = await runTask(prune, { ...FULL, hotmesh, rule: 'hotmesh-streams' }, { database: session });
    expect(kept).toMatchObject({ status: 'done', facts: { rows: 2 } });
    const [all] = await runTask(prune, { ...FULL, rule: 'hotmesh-streams' }, { database: session });
    expect(all).toMatchObject({ status: 'done', facts: { rows: 2 } });
    const left = await database.query(
      `SELECT expired_at FROM app.engine_streams UNION ALL SELECT expired_at FROM app.worker_streams`,
    );
    expect(left).toEqual(Array.from({ length: 4 }, () => ({ expired_at: null })));
  });

  test('serve every application that the catalogue shows, in either layout and where messages lie elsewhere', async ({
    database,
    session,
  }) => {
    await makeHotmesh(database, 'app', 'new');
    await makeHotmesh(database, 'meshflow', 'old');
    await makeHotmesh(database, 'my__app', 'new');
    await database.query(`
      CREATE SCHEMA my_app; ALTER TABLE my__app.jobs SET SCHEMA my_app; ALTER TABLE my__app.jobs_attributes SET SCHEMA my_app;
      CREATE TABLE public.jobs (id int, key text, status int); CREATE TABLE public.streams (id int, message text)`);
    const steps = await planTask(prune, FULL, { database: session });
    const [streams, transient, entity, pruned] = ['streams', 'transient-jobs', 'entity-jobs', 'pruned-jobs'].map(
      (name) => `rule hotmesh-${name} in`,
    );
    expect(steps.map(({ title }) => title)).toEqual([
      ...[streams, transient, entity, pruned].map((rule) => `${rule} app`),
      ...[streams, transient, entity, pruned].map((rule) => `${rule} meshflow`),
      `${streams} my__app`,
      ...[transient, entity, pruned].map((rule) => `${rule} my_app`),
      'vacuum',
    ]);
    const mine = { hotmesh: { apps: [{ appId: 'my--app' }, { schema: 'meshflow' }, { appId: 'nobody' }] } };
    const own = await planTask(prune, { ...mine, rule: 'hotmesh-streams' }, { database: session });
    expect(own.map(({ title }) => title)).toEqual([
      `${streams} my__app (my--app)`,
      `${streams} meshflow`,
      'rules of hotmesh in nobody',
      'vacuum',
    ]);
    expect(own[2]?.intent?.join()).toContain('there are some in app, meshflow, my__app, my_app');
  });

  test('look at the jobs of one application only, where one is named', async ({ database, session }) => {
    await makeHotmesh(database, 'my_app', 'new');
    await putJobs(database, 'my_app', 'new', [
      job('x', { key: 'hmsh:my-app:j:x' }),
      job('y', { key: 'hmsh:my_app:j:y' }),
    ]);
    const hotmesh = { apps: [{ schema: 'my_app', appId: 'my-app' }] };
    await runTask(prune, { ...FULL, hotmesh, rule: 'hotmesh-entity-jobs' }, { database: session });
    expect(await jobsIn(database, 'my_app')).toEqual(['x pruned live 6', 'y live 14']);
  });

  test('say so where there is no HotMesh', async ({ session }) => {
    const outcomes = await runTask(prune, FULL, { database: session });
    expect(outcomes).toMatchObject([
      { status: 'warn', detail: 'prune.idle', summary: 'no tables of HotMesh were found for this database' },
      { status: 'skip' },
    ]);
  });

  test('prune the old layout without a mark, delete nothing for being pruned, and say what would help', async ({
    database,
    session,
  }) => {
    await makeHotmesh(database, 'app', 'old');
    await putJobs(database, 'app', 'old', [
      job('old', { expiredAge: 8 }),
      job('young', { expiredAge: 6, endedAge: 90 }),
    ]);
    const outcomes = await runTask(prune, FULL, { database: session });
    expect(await jobsIn(database)).toEqual(['old live 6', 'young live 14']);
    expect(outcomes[3]).toMatchObject({ status: 'warn', detail: 'prune.idle' });
    const [advice] = outcomes[3]?.remediation ?? [];
    await database.query(advice ?? '');
    await runTask(prune, FULL, { database: session });
    expect(await jobsIn(database)).toEqual(['old pruned live 6', 'young live 14']);
  });

  test('delete closed escalations, all or those of some statuses, and never open ones', async ({
    database,
    session,
  }) => {
    const rule = { target: 'escalations', action: 'delete', olderThan: '30 days' };
    const some = { hotmesh: { maintenance: { rules: [{ ...rule, statuses: ['expired'] }] } } };
    expect(await runTask(prune, some, { database: session })).toMatchObject([{ status: 'skip' }, {}]);
    await database.query(`
      CREATE TABLE public.hmsh_escalations (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), app_id text, status text,
        updated_at timestamptz);
      INSERT INTO public.hmsh_escalations (app_id, status, updated_at)
      SELECT app, status, now() - age * interval '1 day'
        FROM unnest(ARRAY['a', 'b']) app, unnest(ARRAY['pending', 'resolved', 'cancelled', 'expired']) status,
             unnest(ARRAY[29, 31]) age`);
    const [expired] = await runTask(prune, some, { database: session });
    expect(expired).toMatchObject({ status: 'done', facts: { rows: 2 } });
    const mine = { hotmesh: { apps: [{ appId: 'a' }], maintenance: { rules: [rule] } } };
    const [closed] = await runTask(prune, mine, { database: session });
    expect(closed).toMatchObject({ status: 'done', facts: { rows: 2 } });
    expect(await count(database, `hmsh_escalations WHERE status = 'pending'`)).toBe(4);
    expect(await count(database, 'hmsh_escalations')).toBe(12);
  });

  test('are refused for an age that is none, a foreign trigger and missing rights, and then nothing changes', async ({
    database,
    session,
    plain,
  }) => {
    await makeHotmesh(database, 'app', 'new');
    await putJobs(database, 'app', 'new', [job('old')]);
    const rules = [{ target: 'jobs', action: 'prune', olderThan: '7 fortnights', hasEntity: true }];
    expect(await runTask(prune, { hotmesh: { maintenance: { rules } } }, { database: session })).toMatchObject([
      { status: 'fail', detail: 'prune.interval' },
      { status: 'skip' },
    ]);
    await database.query(`
      CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER audit BEFORE UPDATE ON app.jobs FOR EACH ROW EXECUTE FUNCTION public.f()`);
    const only = { ...FULL, rule: 'hotmesh-entity-jobs' };
    const [refused] = await runTask(prune, only, { database: session });
    expect(refused).toMatchObject({ status: 'fail', detail: 'prune.trigger' });
    await database.query(
      `CREATE TRIGGER gone BEFORE DELETE ON app.jobs_attributes FOR EACH ROW EXECUTE FUNCTION public.f()`,
    );
    const half = { ...only, hotmesh: { allowTriggers: ['audit'] } };
    const [still] = await runTask(prune, half, { database: session });
    expect(still).toMatchObject({ status: 'fail', detail: 'prune.trigger' });
    await plain.grant();
    await database.query(`REVOKE UPDATE ON app.jobs_part_3 FROM ${plain.role}`);
    const allowed = { ...only, hotmesh: { allowTriggers: ['audit', 'gone'] } };
    const [closed] = await runTask(prune, allowed, { database: plain.session });
    expect(closed).toMatchObject({ status: 'fail', detail: 'prune.privilege' });
    expect(closed?.summary).toContain('may not update app.jobs_part_3');
    expect(await jobsIn(database)).toEqual(['old live 14']);
  });
});

describe('where the triggers of HotMesh cannot be kept quiet', () => {
  const only = { ...FULL, rule: 'hotmesh-entity-jobs' };
  const jobs = [
    job('expired', { expiredAge: 1 }),
    job('stale', { expiredAge: 1, isLive: false }),
    job('twin', { expiredAge: -5 }),
    job('twin', { expiredAge: 9, status: 1 }),
    job('whole'),
  ];

  test('jobs past their expiry stay whole, and so do twins; the report says how many and what helps', async ({
    database,
    plain,
  }) => {
    await makeHotmesh(database, 'app', 'new');
    await plain.grant();
    await putJobs(database, 'app', 'new', jobs);
    const [outcome] = await runTask(prune, only, { database: plain.session });
    expect(await jobsIn(database)).toEqual([
      'expired live 14',
      'stale pruned 6',
      'twin live 14',
      'twin live 14',
      'whole pruned live 6',
    ]);
    expect(outcome).toMatchObject({
      status: 'warn',
      detail: 'prune.left',
      facts: { rows: 2, staying: { expired: 1, twins: 1 } },
    });
    expect(outcome?.remediation?.join('\n')).toContain('GRANT SET ON PARAMETER session_replication_role');
  });

  test('a person can choose to mark them, and is told what that costs', async ({ database, plain }) => {
    await makeHotmesh(database, 'app', 'new');
    await plain.grant();
    await putJobs(database, 'app', 'new', jobs);
    const settings = { ...only, hotmesh: { expiredJobs: 'mark' } };
    const [outcome] = await runTask(prune, settings, { database: plain.session });
    expect(await jobsIn(database)).toEqual([
      'expired pruned 6',
      'stale pruned 6',
      'twin live 14',
      'twin live 14',
      'whole pruned live 6',
    ]);
    expect(outcome?.summary).toContain('1 job past their expiry can now be exported with allow_direct_query only');
  });

  test('with the right to set session_replication_role all of them are pruned and stay live', async ({
    database,
    plain,
  }) => {
    await makeHotmesh(database, 'app', 'new');
    await plain.grant();
    await putJobs(database, 'app', 'new', jobs);
    await database.query(`GRANT SET ON PARAMETER session_replication_role TO ${plain.role}`);
    const [outcome] = await runTask(prune, only, { database: plain.session });
    expect(await jobsIn(database)).toEqual([
      'expired pruned live 6',
      'stale pruned 6',
      'twin live 14',
      'twin pruned live 6',
      'whole pruned live 6',
    ]);
    expect(outcome).toMatchObject({ status: 'done', facts: { rows: 4 } });
  });

  test(
    '20,000 unexpired jobs are pruned with the locks that a server has by default',
    { timeout: 120_000 },
    async ({ database, plain }) => {
      await makeHotmesh(database, 'app', 'new');
      await plain.grant();
      const many = Array.from({ length: 20_000 }, (_, n) => job(`n${n}`, { attributes: { adata: 2, jdata: 1 } }));
      await putJobs(database, 'app', 'new', many);
      const [setting] = await database.query<{ locks: string }>(
        `SELECT current_setting('max_locks_per_transaction') AS locks`,
      );
      expect(setting?.locks).toBe('64');
      const [outcome] = await runTask(prune, only, { database: plain.session });
      expect(outcome).toMatchObject({ status: 'done', facts: { rows: 20_000, attributes: 40_000, remaining: 0 } });
      expect(await count(database, 'app.jobs WHERE pruned_at IS NULL')).toBe(0);
      expect(await count(database, `app.jobs_attributes WHERE type <> 'jdata'`)).toBe(0);
    },
  );
});
