import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { TWO_LARGE } from '../support/restored.ts';
import { descendants } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

const SCHEMA = `
  CREATE EXTENSION citext;
  CREATE SCHEMA app;
  CREATE SCHEMA other;
  CREATE TYPE app.mood AS ENUM ('good', 'bad');
  CREATE DOMAIN app.amount AS int CHECK (VALUE > 0);
  CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TABLE app.users (id serial PRIMARY KEY, name citext UNIQUE, mood app.mood);
  INSERT INTO app.users (name, mood) SELECT 'user ' || n, 'good' FROM generate_series(1, 300) AS n;
  CREATE TABLE app."Odd ""Orders's""" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "user" int REFERENCES app.users, amount app.amount,
    twice int GENERATED ALWAYS AS (amount * 2) STORED, note text);
  INSERT INTO app."Odd ""Orders's""" ("user", amount, note)
    SELECT n, n, E'tab\\there, backslash \\\\, quote '' and\\nbreak' FROM generate_series(1, 50) AS n;
  CREATE TRIGGER touched BEFORE UPDATE ON app."Odd ""Orders's""" FOR EACH ROW EXECUTE FUNCTION app.touch();
  CREATE TABLE app.events (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE app.events_2025 PARTITION OF app.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE app.events_2026 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
    PARTITION BY RANGE (id);
  CREATE TABLE app.events_2026_low PARTITION OF app.events_2026 FOR VALUES FROM (0) TO (1000);
  CREATE INDEX ON app.events (at);
  INSERT INTO app.events SELECT n, date '2025-06-01' + n * 5 FROM generate_series(1, 90) AS n;
  CREATE TABLE other.lines (order_id bigint REFERENCES app."Odd ""Orders's""", text text);
  INSERT INTO other.lines SELECT n, 'line' FROM generate_series(1, 20) AS n;
  CREATE VIEW other.named AS SELECT lines.*, users.name FROM other.lines JOIN app.users ON users.id = order_id;
  CREATE MATERIALIZED VIEW other.counted AS SELECT count(*) AS n FROM other.lines;
  SELECT lo_create(0)`;

const ORDERS = String.raw`app."Odd ""Orders's"""`;

async function count(database: string, table: string): Promise<number> {
  const rows = await queryOnce<{ n: number }>(clusterUrl(database), `SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? -1;
}

async function relations(database: string): Promise<readonly string[]> {
  const rows = await queryOnce<{ name: string }>(
    clusterUrl(database),
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace::regnamespace::text IN ('app', 'other') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function drop(name: string): Promise<void> {
  await queryOnce(clusterUrl('postgres'), `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
}

/** Runs what a person would copy from the terminal, each block in a shell of its own. */
function runBlocks(site: Site, stdout: string, comment: RegExp): number {
  const { host, port, user } = site.database.connection;
  const env = { PATH: process.env['PATH'], PGHOST: host, PGPORT: String(port), PGUSER: user };
  const blocks = stdout.split('\n\n').filter((block) => comment.test(block));
  for (const block of blocks) execFileSync('sh', ['-c', block], { env, stdio: 'pipe' });
  return blocks.length;
}

test('a part with two large tables comes back whole, in streams beside each other', async ({ site }) => {
  const { database } = site;
  await database.query(TWO_LARGE);
  await site.run('backup');
  const side = `${database.name}_side`;
  const seen = new Set<string>();
  const running = site.start(
    'restore',
    '--table',
    'left_one',
    '--table',
    'right_one',
    '--to-database',
    side,
    '--jobs',
    '2',
  );
  const looking = setInterval(() => {
    for (const { commandLine } of descendants(running.child.pid ?? 0))
      for (const [name] of commandLine.matchAll(/stream-\d\.list/g)) seen.add(name);
  }, 20);
  try {
    expect(await running.ended).toMatchObject({ exitCode: 0 });
    expect([...seen].toSorted()).toEqual(['stream-0.list', 'stream-1.list']);
    expect(await count(side, 'left_one JOIN right_one USING (id, body)')).toBe(120_000);
    await expect(count(side, 'small')).rejects.toThrow('does not exist');
  } finally {
    clearInterval(looking);
    await drop(side);
  }
});

test('one table comes back with what it needs, and the printed lines bring missing rows into the live one', async ({
  site,
}) => {
  const { database } = site;
  await database.query(SCHEMA);
  await site.run('backup');
  const side = `${database.name}_side`;
  const end = await site.run('restore', 'latest', '--table', ORDERS, '--to-database', side);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain('50 rows, all as backed up');
  expect(end.stdout).toMatch(/left out: the foreign key .*user_fkey of .*: app\.users is not restored/);
  expect(await relations(side)).toEqual([ORDERS]);
  expect(await count(side, ORDERS)).toBe(50);
  expect(await queryOnce(clusterUrl(side), `SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`)).toHaveLength(1);

  await database.query(`DELETE FROM other.lines; DELETE FROM ${ORDERS} WHERE id > 40`);
  await database.query(`UPDATE ${ORDERS} SET note = 'kept' WHERE id = 1`);
  expect(runBlocks(site, end.stdout, /^# .*where rows are missing/)).toBe(1);
  expect(await count(database.name, ORDERS)).toBe(50);
  const rows = `SELECT id, "user", amount, twice, note FROM ${ORDERS} WHERE id > 1 ORDER BY id`;
  expect(await database.query(rows)).toEqual(await queryOnce(clusterUrl(side), rows));
  expect(await database.query(`SELECT note FROM ${ORDERS} WHERE id = 1`)).toEqual([{ note: 'kept' }]);
  await drop(side);
});

test('a table that is gone comes back whole by the printed lines, partitions with their root', async ({ site }) => {
  const { database } = site;
  await database.query(SCHEMA);
  await site.run('backup');
  await database.query('DROP TABLE app.events');
  const side = `${database.name}_side`;
  const end = await site.run('restore', 'latest', '--table', 'events', '--to-database', side);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(await relations(side)).toEqual(['app.events', 'app.events_2025', 'app.events_2026', 'app.events_2026_low']);
  expect(runBlocks(site, end.stdout, /^# .*where it is gone/)).toBe(1);
  expect(await count(database.name, 'app.events')).toBe(90);
  await drop(side);
});

test('one partition stands alone, and it is said', async ({ site }) => {
  await site.database.query(SCHEMA);
  await site.run('backup');
  const side = `${site.database.name}_side`;
  const end = await site.run('restore', '--table', 'app.events_2025', '--to-database', side, '--json');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(end.stdout)).toMatchObject({
    verdict: 'done',
    tables: 1,
    part: {
      tables: ['app.events_2025'],
      empty: [],
      leftOut: expect.arrayContaining([expect.stringContaining('stands alone')]),
    },
  });
  expect(await relations(side)).toEqual(['app.events_2025']);
  await drop(side);
});

test('a schema comes back whole, with empty tables of other schemas where a view needs them', async ({ site }) => {
  await site.database.query(SCHEMA);
  await site.run('backup');
  const side = `${site.database.name}_side`;
  const end = await site.run('restore', '--schema', 'other', '--to-database', side, '--json');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(end.stdout)).toMatchObject({ part: { tables: ['other.lines'], empty: ['app.users'] }, rows: 20 });
  expect(await count(side, 'other.lines')).toBe(20);
  expect(await count(side, 'app.users')).toBe(0);
  expect(await queryOnce(clusterUrl(side), 'SELECT n::int FROM other.counted')).toEqual([{ n: 20 }]);
  await drop(side);
});

test('a small table comes back although much more lies behind it in the archive', async ({ site }) => {
  await site.database.query(`
    CREATE TABLE a_few AS SELECT generate_series(1, 10) AS id;
    CREATE TABLE b_many AS SELECT md5(n::text) || md5((n + 1)::text) AS text FROM generate_series(1, 300000) AS n`);
  await site.run('backup');
  const side = `${site.database.name}_side`;
  const end = await site.run('restore', '--table', 'a_few', '--to-database', side);
  expect(end).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('10 rows, all as backed up') });
  await drop(side);
});

test('two tables bring the foreign key between them', async ({ site }) => {
  await site.database.query(SCHEMA);
  await site.run('backup');
  const side = `${site.database.name}_side`;
  const end = await site.run('restore', '--table', ORDERS, '--table', 'app.users', '--to-database', side);
  expect(end.exitCode).toBe(0);
  expect(await queryOnce(clusterUrl(side), `SELECT conname FROM pg_constraint WHERE contype = 'f'`)).toHaveLength(1);
  expect(end.stdout.indexOf('# app.users')).toBeLessThan(end.stdout.indexOf('# app.Odd'));
  await drop(side);
});

test('a name that the backup does not have is refused, with the nearest ones', async ({ site }) => {
  await site.database.query(`${SCHEMA}; CREATE TABLE other.users (id int)`);
  await site.run('backup');
  const wrong = await site.run('restore', '--table', 'app.usres');
  expect(wrong).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('Did you mean app.users?') });
  const two = await site.run('restore', '--table', 'users');
  expect(two).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('app.users and other.users') });
  const schema = await site.run('restore', '--schema', 'ohter');
  expect(schema).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Did you mean other?') });
  const swap = await site.run('restore', '--table', 'app.users', '--swap', '--confirm', site.database.name);
  expect(swap).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no whole database') });
});
