import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Outcome } from '../../src/engine/outcome.ts';
import { restoreTest } from '../../src/tasks/restore-test.ts';
import { test as withVault, type Vault } from '../support/backups.ts';
import { withoutZstd } from '../support/fake-program.ts';
import { processes } from '../support/process-table.ts';
import { noDatabase, runTask, type Around } from '../support/run-task.ts';

/** A database with most of what a dump can hold. The role is the whole cluster's, so its name is the test's own. */
const richSchema = (role: string): string => `
  CREATE ROLE "${role}" NOLOGIN;
  CREATE EXTENSION pgcrypto;
  CREATE SCHEMA app;
  CREATE SCHEMA "Odd Schema";
  CREATE TABLE app.users (id bigserial PRIMARY KEY, email text UNIQUE, secret bytea DEFAULT gen_random_bytes(8));
  INSERT INTO app.users (email) SELECT 'user' || n || '@example.com' FROM generate_series(1, 2000) AS n;
  CREATE TABLE app.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint REFERENCES app.users, total numeric);
  INSERT INTO app.orders (user_id, total) SELECT 1 + n % 2000, n FROM generate_series(1, 5000) AS n;
  CREATE INDEX orders_user ON app.orders (user_id);
  CREATE TABLE "Odd Schema"."a ""quoted"" name" ("Id" int, "va;lue" text);
  INSERT INTO "Odd Schema"."a ""quoted"" name" VALUES (1, 'x'), (2, E'line\\nbreak');
  CREATE TABLE app.owned (id int);
  ALTER TABLE app.owned OWNER TO "${role}";
  GRANT SELECT ON app.users TO "${role}";
  ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY mine ON app.orders FOR SELECT TO "${role}" USING (true);
  CREATE SEQUENCE app.untouched;
  CREATE MATERIALIZED VIEW app.totals AS SELECT user_id, sum(total) AS total FROM app.orders GROUP BY user_id;
  CREATE UNIQUE INDEX ON app.totals (user_id);
  CREATE TABLE app.measures (at date NOT NULL, value int) PARTITION BY RANGE (at);
  CREATE TABLE app.measures_2026 PARTITION OF app.measures FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  INSERT INTO app.measures VALUES ('2026-05-05', 1), ('2026-06-06', 2);
  SELECT lo_from_bytea(0, 'a large object');
`;

interface Fixtures {
  role: string;
  scratch: string;
  tried: (settings?: object, around?: Partial<Around>) => Promise<Outcome>;
}

const test = withVault.extend<Fixtures>({
  role: async ({ database }, use) => {
    const role = `Role ${randomBytes(4).toString('hex')}`;
    await use(role);
    await database.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`).catch(() => undefined);
  },
  scratch: async ({ vault }, use) => {
    expect(vault.directory).not.toBe('');
    const scratch = await mkdtemp(join(tmpdir(), 'maint-s-'));
    await chmod(scratch, 0o755);
    await use(scratch);
    await rm(scratch, { recursive: true, force: true });
  },
  tried: async ({ vault, scratch }, use) => {
    await use(async (settings, around) => {
      const [outcome] = await runTask(
        restoreTest,
        { directory: vault.directory, scratch, ...settings },
        { database: noDatabase, ...around },
      );
      if (outcome === undefined) throw new Error('the task had no step');
      return outcome;
    });
  },
});

/** Nothing of a throw-away server is left: no folder, no socket, no process. */
async function expectNothingLeft(scratch: string): Promise<void> {
  expect(await readdir(scratch)).toEqual([]);
  expect(processes().filter(({ commandLine }) => commandLine.includes(scratch))).toEqual([]);
}

const receiptSchema = z.looseObject({
  backup: z.string(),
  verdict: z.string(),
  number: z.number(),
  previous: z.object({ number: z.number(), sha256: z.string() }).nullable(),
});

async function receipts(
  vault: Vault,
): Promise<readonly (z.infer<typeof receiptSchema> & { readonly text: string; readonly name: string })[]> {
  const folder = join(vault.directory, 'receipts', 'app');
  const names = (await readdir(folder)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      return { ...receiptSchema.parse(JSON.parse(text)), name, text };
    }),
  );
}

test('a database with most of what there is comes back whole, and nothing is left of the server', async ({
  database,
  vault,
  role,
  scratch,
  tried,
}) => {
  await database.query(richSchema(role));
  await vault.take();
  const outcome = await tried({
    assertions: [
      { name: 'users', sql: 'SELECT count(*) FROM app.users', expect: 2000 },
      {
        name: 'large object',
        sql: `SELECT convert_from(lo_get(loid), 'UTF8') FROM pg_largeobject`,
        expect: 'a large object',
      },
      { name: 'matview', sql: 'SELECT count(*) FROM app.totals', min: 2000, max: 2000 },
      { name: 'owner', sql: `SELECT tableowner FROM pg_tables WHERE tablename = 'owned'`, expect: role },
      { name: 'policy', sql: `SELECT roles[1] FROM pg_policies`, expect: role },
      {
        name: 'sequence',
        sql: `SELECT last_value FROM pg_sequences WHERE sequencename = 'users_id_seq'`,
        expect: '2000',
      },
      { name: 'valid index', sql: `SELECT bool_and(indisvalid) FROM pg_index`, expect: true },
    ],
  });
  expect(outcome).toMatchObject({
    status: 'done',
    facts: { tables: 5, rows: 7004, placeholders: [role], amcheck: true, findings: [] },
  });
  const { seconds, rtoSeconds } = z
    .object({ seconds: z.record(z.string(), z.number()), rtoSeconds: z.number() })
    .parse(outcome.facts);
  expect(Object.values(seconds).reduce((sum, value) => sum + value, 0)).toBeCloseTo(rtoSeconds, 6);
  expect(outcome.samples?.map(({ name }) => name)).toContain('restore.rto');
  await expectNothingLeft(scratch);
});

const PLAIN = `CREATE TABLE users AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 20000) AS n;
               ALTER TABLE users ADD PRIMARY KEY (id)`;

async function newest(vault: Vault): Promise<string> {
  return (await vault.backups()).at(-1) ?? '';
}

async function changeDump(vault: Vault, how: (bytes: Buffer) => Buffer): Promise<void> {
  const path = join(await newest(vault), 'data.dump.zst');
  await writeFile(path, how(await readFile(path)));
}

test('a damaged dump is a failure in the words of the program that found it, with the zstd program and without it', async ({
  database,
  vault,
  scratch,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  await changeDump(vault, (bytes) => bytes.subarray(0, bytes.length / 2));
  for (const around of [{}, { clients: withoutZstd() }]) {
    const outcome = await tried({}, around);
    expect(outcome).toMatchObject({ status: 'fail', detail: 'restore.checksum_mismatch' });
    const { findings } = z.object({ findings: z.array(z.looseObject({ detail: z.string() })) }).parse(outcome.facts);
    expect(findings).toContainEqual({
      detail: 'restore.load_failed',
      message: expect.stringMatching(/^(zstd|pg_restore).*(end|EOF|frame|could not read)/i),
    });
    expect(outcome.remediation).not.toEqual([]);
    await expectNothingLeft(scratch);
  }
});

test('a dump that restores without complaint, but with other rows than the manifest says, is a failure', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  const path = join(await newest(vault), 'manifest.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace('"rows": 20000', '"rows": 20001'));
  expect(await tried()).toMatchObject({
    status: 'fail',
    detail: 'restore.rows_mismatch',
    summary: expect.stringContaining('public.users has 20,000 rows, expected 20,001'),
  });
});

test('a dump whose index cannot be built is a failure with the message of pg_restore', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  await changeDump(vault, (bytes) =>
    zstdCompressSync(
      Buffer.from(
        zstdDecompressSync(bytes).toString('latin1').replace('17\t70efdf2ec9b0', '16\t70efdf2ec9b0'),
        'latin1',
      ),
    ),
  );
  const outcome = await tried();
  expect(outcome.status).toBe('fail');
  expect(JSON.stringify(outcome.facts)).toMatch(/could not create unique index/);
});

test('an extension that the server lacks is no judgement of the backup: it is named, with its package', async ({
  database,
  vault,
  scratch,
  tried,
}) => {
  await database.query(`${PLAIN}; CREATE EXTENSION citext`);
  await vault.take();
  await changeDump(vault, (bytes) =>
    zstdCompressSync(
      Buffer.from(zstdDecompressSync(bytes).toString('latin1').replaceAll('citext', 'vector'), 'latin1'),
    ),
  );
  await expect(tried()).rejects.toMatchObject({
    exitCode: 4,
    detail: 'restore.extension_missing',
    message: expect.stringMatching(/extension vector is not installed/),
    hint: expect.stringMatching(/postgresql-\d+-pgvector/),
  });
  expect((await receipts(vault)).map(({ verdict }) => verdict)).toEqual(['inconclusive']);
  await expectNothingLeft(scratch);
});

test('an assertion that does not hold, an answer that is missing, and a statement that fails are failures', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  const outcome = await tried({
    assertions: [
      { name: 'enough users', sql: 'SELECT count(*) FROM users', min: 20_001 },
      { name: 'few users', sql: 'SELECT count(*) FROM users', max: 3 },
      { name: 'no row', sql: 'SELECT id FROM users WHERE id < 0', expect: 1 },
      { name: 'null', sql: 'SELECT NULL::int', min: 0 },
      { name: 'no table', sql: 'SELECT * FROM nowhere', expect: 1 },
      { name: 'writes', sql: 'DELETE FROM users RETURNING 1', expect: 1 },
      { name: 'right', sql: 'SELECT 1', expect: 1 },
    ],
  });
  expect(outcome).toMatchObject({ status: 'fail', detail: 'restore.assertion_failed' });
  const text = JSON.stringify(outcome.facts);
  for (const name of ['enough users', 'few users', 'no row', 'null', 'no table', 'writes'])
    expect(text).toContain(name);
  expect(text).not.toContain('assertion \\"right');
});

test('a restore that takes too long, or a backup that is too old, is a failure under its own name', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  expect(await tried({ rto: '1ms' })).toMatchObject({ status: 'fail', detail: 'rto.exceeded' });
  const tomorrow = (): Date => new Date(Date.now() + 86_400_000);
  expect(await tried({ rpo: '20h' }, { now: tomorrow })).toMatchObject({ status: 'fail', detail: 'rpo.exceeded' });
  expect(await tried({ rpo: '20h', rto: '10 min' })).toMatchObject({ status: 'done' });
});

test('receipts outlive the backup, and each names the one before it with its hash', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  await tried();
  await tried({ rto: '1ms' });
  await rm(await newest(vault), { recursive: true });
  expect(await tried()).toMatchObject({ status: 'fail', detail: 'backup.none' });
  const chain = await receipts(vault);
  expect(chain.map(({ verdict }) => verdict)).toEqual(['pass', 'fail']);
  expect(chain[0]?.previous).toBeNull();
  expect(chain[1]?.previous).toEqual({
    number: 1,
    sha256: createHash('sha256')
      .update(chain[0]?.text ?? '')
      .digest('hex'),
  });
});

test('the oldest backup is taken when it is asked for', async ({ database, vault, tried }) => {
  await database.query(PLAIN);
  await vault.take({}, { now: () => new Date('2026-01-01T00:00:00Z') });
  await vault.take();
  const [oldest = '', newestFolder] = await vault.backups();
  expect(await tried({ pick: 'oldest' })).toMatchObject({ status: 'done', facts: { folder: oldest } });
  expect(await tried()).toMatchObject({ status: 'done', facts: { folder: newestFolder } });
});

test('a test that is stopped in the middle leaves nothing', async ({ database, vault, scratch, tried }) => {
  await database.query(PLAIN);
  await vault.take();
  const controller = new AbortController();
  const trying = tried({}, { signal: controller.signal, onProgress: () => controller.abort('SIGTERM') });
  await expect(trying).rejects.toBeDefined();
  await expectNothingLeft(scratch);
});

test('folders that only look like those of a dead run stay as they are', async ({
  database,
  vault,
  scratch,
  tried,
}) => {
  await database.query(PLAIN);
  await vault.take();
  await mkdir(join(scratch, 'maint-rt-young'));
  await mkdir(join(scratch, 'maint-other'));
  expect(await tried()).toMatchObject({ status: 'done' });
  expect((await readdir(scratch)).toSorted()).toEqual(['maint-other', 'maint-rt-young']);
});

test('the copy acts on nobody: it has no subscription and no publication, and its event triggers do no harm', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(`${PLAIN};
    CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'forbidden'; END $$;
    CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION forbid()`);
  await database.query('CREATE PUBLICATION everything FOR TABLE users');
  await database.query(
    `CREATE SUBSCRIPTION far CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false)`,
  );
  await vault.take();
  await database.query('ALTER SUBSCRIPTION far SET (slot_name = NONE)');
  await database.query('DROP SUBSCRIPTION far');
  expect(
    await tried({
      assertions: [
        { name: 'subscriptions', sql: 'SELECT count(*) FROM pg_subscription', expect: 0 },
        { name: 'publications', sql: 'SELECT count(*) FROM pg_publication', expect: 0 },
        { name: 'event triggers', sql: 'SELECT count(*) FROM pg_event_trigger', expect: 1 },
        { name: 'nobody can reach it', sql: 'SHOW listen_addresses', expect: '' },
      ],
    }),
  ).toMatchObject({ status: 'done' });
});
