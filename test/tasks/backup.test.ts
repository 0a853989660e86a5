import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject } from 'vitest';
import { startCluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { backup } from '../../src/tasks/backup.ts';
import { test } from '../support/backups.ts';
import { LIMITS, queryOnce } from '../support/database.ts';
import { withFakes, withoutZstd } from '../support/fake-program.ts';
import { planTask, runTask } from '../support/run-task.ts';

const run = promisify(execFile);

/** Everything that makes dumping and counting hard. */
const ODD_SCHEMA = `
  CREATE TABLE plain (id int PRIMARY KEY, note text);
  INSERT INTO plain SELECT n, CASE n % 4 WHEN 0 THEN E'\\\\.' WHEN 1 THEN E'two\\nlines' WHEN 2 THEN E'back\\\\slash\\t' END
    FROM generate_series(1, 100) AS n;
  CREATE TABLE empty (id int);
  CREATE TABLE no_columns (); INSERT INTO no_columns SELECT FROM generate_series(1, 7);
  CREATE SCHEMA "Odd.Schema";
  CREATE TABLE "Odd.Schema"."a ""b"".c d" ("x y" int); INSERT INTO "Odd.Schema"."a ""b"".c d" VALUES (1), (2);
  CREATE TABLE "line
break" (id int); INSERT INTO "line
break" VALUES (1);
  CREATE TABLE "Ünïcode ☃" (id int); INSERT INTO "Ünïcode ☃" VALUES (1), (2), (3);
  CREATE TABLE "COPY x FROM stdin;" (id int); INSERT INTO "COPY x FROM stdin;" VALUES (1);
  CREATE TABLE "user" (id int); INSERT INTO "user" VALUES (1);
  CREATE TABLE parent (id int); INSERT INTO parent VALUES (1);
  CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (2), (3);
  CREATE TABLE events (at date) PARTITION BY RANGE (at);
  CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE events_rest PARTITION OF events DEFAULT;
  INSERT INTO events SELECT date '2026-12-25' + n FROM generate_series(1, 20) AS n;
  CREATE TABLE made (id int, doubled int GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO made VALUES (1), (2);
  CREATE UNLOGGED TABLE unlogged (id int); INSERT INTO unlogged VALUES (1);
  CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM plain;
  CREATE VIEW seen AS SELECT * FROM plain;
  CREATE FUNCTION fake() RETURNS text LANGUAGE sql AS $$ SELECT '
COPY public.plain (id, note) FROM stdin;
1	x
\\.
' $$;
  SELECT lo_from_bytea(0, decode(repeat('0a5c2e0a', 5000), 'hex')) FROM generate_series(1, 3);
  CREATE SEQUENCE counter; SELECT setval('counter', 42);
`;

const EXPECTED = {
  'public.plain': 100,
  'public.empty': 0,
  'public.no_columns': 7,
  '"Odd.Schema"."a ""b"".c d"': 2,
  'public."line\nbreak"': 1,
  'public."Ünïcode ☃"': 3,
  'public."COPY x FROM stdin;"': 1,
  'public.user': 1,
  'public.parent': 1,
  'public.child': 2,
  'public.events_2026': 6,
  'public.events_rest': 14,
  'public.made': 2,
  'public.unlogged': 1,
};

function byValue(a: number, b: number): number {
  return a - b;
}

async function manifestOf(folder: string | undefined): Promise<{ tables: Record<string, { rows: number }> }> {
  return JSON.parse(await readFile(join(folder ?? '', 'manifest.json'), 'utf8'));
}

test('a backup of an odd database names every table with its rows, and verifies without a server', async ({
  database,
  vault,
}) => {
  await database.query(ODD_SCHEMA);
  expect(await vault.take()).toMatchObject({ status: 'done', facts: { tables: 14 } });
  const [folder] = await vault.backups();
  const { tables } = await manifestOf(folder);
  expect(Object.fromEntries(Object.entries(tables).map(([name, { rows }]) => [name, rows]))).toEqual(EXPECTED);
  expect(await vault.verify()).toMatchObject({ status: 'done', facts: { tables: 14, rows: 141 } });
});

test('the commands of RESTORE.md bring the same rows back', async ({ database, vault }) => {
  await database.query(ODD_SCHEMA);
  await vault.take();
  const [folder = ''] = await vault.backups();
  const notes = await readFile(join(folder, 'RESTORE.md'), 'utf8');
  const commands = /```bash\n([^]+?)```/.exec(notes)?.[1] ?? 'false';
  const restored = `${database.name}_back`;
  const { host, port, user } = database.connection;
  await run('bash', ['-c', commands], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PGHOST: host, PGPORT: String(port), PGUSER: user, NEW: restored },
  });
  const counts = await queryOnce<{ table: string; rows: number }>(
    database.url.replace(database.name, restored),
    `SELECT format('%s.%s', schemaname, relname) AS table,
            (xpath('//n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %I.%I', schemaname, relname), false, true, '')))[1]::text::int AS rows
       FROM pg_stat_user_tables
      WHERE relid IN (SELECT oid FROM pg_class WHERE relkind = 'r')`,
  );
  await database.query(`DROP DATABASE "${restored}" WITH (FORCE)`);
  const rows = counts.map((count) => count.rows).filter((count) => count > 0);
  const expected = Object.values(EXPECTED).filter((count) => count > 0);
  expect(rows.toSorted(byValue)).toEqual(expected.toSorted(byValue));
});

test('what is written is private, complete, and holds by sha256sum', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await vault.take();
  const [folder = ''] = await vault.backups();
  const names = await readdir(folder);
  expect(names.toSorted()).toEqual(['RESTORE.md', 'SHA256SUMS', 'data.dump.zst', 'globals.sql.zst', 'manifest.json']);
  for (const name of names) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const { stdout } = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: folder });
  expect(stdout.match(/: OK/g)?.length).toBe(4);
  expect(await vault.everything()).toHaveLength(1);
});

test('rows that a writer adds meanwhile are neither in the dump nor in the counts', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT n AS id FROM generate_series(1, 20000) AS n');
  const writing = new AbortController();
  const writer = (async () => {
    while (!writing.signal.aborted) await database.query('INSERT INTO users SELECT generate_series(1, 50)');
  })();
  const outcomes = [await vault.take(), await vault.take(), await vault.take()];
  writing.abort();
  await writer;
  expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
  expect((await vault.verify()).status).toBe('done');
});

test('tables of an extension are dumped where it declared them as configuration', async ({ database, vault }) => {
  await database.query('CREATE TABLE config (id int, is_custom bool); CREATE TABLE inner_state (id int)');
  await database.query(
    `INSERT INTO config VALUES (1, true), (2, true), (3, false); INSERT INTO inner_state VALUES (1)`,
  );
  // As CREATE EXTENSION would have left it, without files on the server.
  await database.query(`
    SET allow_system_table_mods = on;
    WITH made AS (
      INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion, extconfig, extcondition)
      SELECT 99999, 'made_up', 10, 'public'::regnamespace, false, '1', ARRAY['config'::regclass::oid], ARRAY['WHERE is_custom']
      RETURNING oid)
    INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
    SELECT 'pg_class'::regclass, owned.oid, 0, 'pg_extension'::regclass, made.oid, 0, 'e'
      FROM made, (VALUES ('config'::regclass::oid), ('inner_state'::regclass::oid)) AS owned (oid)`);
  expect(await vault.take()).toMatchObject({ status: 'done', facts: { tables: 1, rows: 2 } });
  expect((await vault.verify()).status).toBe('done');
});

test('a table that row-level security would thin out stops the backup instead', async ({ database, vault }) => {
  await database.query(`
    CREATE TABLE secrets AS SELECT 1 AS id; ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
    CREATE ROLE "${database.name}" LOGIN; GRANT SELECT ON secrets TO "${database.name}"`);
  const connection = parseConnection(new Secret(database.url.replace('postgres@', `${database.name}@`)));
  await using session = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'test' });
  await expect(vault.take({}, { connection, database: session })).rejects.toMatchObject({
    message: expect.stringMatching(/row-level security/),
  });
  expect(await vault.everything()).toEqual([]);
  await database.query(`DROP OWNED BY "${database.name}"; DROP ROLE "${database.name}"`);
});

test('without the zstd program the same format is written and read by Node.js, and the report says so', async ({
  database,
  vault,
}) => {
  await database.query('CREATE TABLE users AS SELECT n AS id, md5(n::text) FROM generate_series(1, 50000) AS n');
  const outcome = await vault.take({}, { clients: withoutZstd(database.connection) });
  expect(outcome).toMatchObject({ status: 'done', summary: expect.stringMatching(/zstd program is missing/) });
  expect(await vault.verify()).toMatchObject({ status: 'done', facts: { rows: 50_000 } });
  expect(await vault.verify({}, { clients: withoutZstd() })).toMatchObject({ status: 'done', facts: { rows: 50_000 } });
});

test('a dry run touches neither disk nor database, and says what it would do', async ({ database, vault, reader }) => {
  const directory = join(vault.directory, 'not', 'there');
  const steps = await planTask(backup, { directory }, { connection: database.connection, database: reader });
  expect(await readdir(vault.directory)).toEqual([]);
  expect(steps.map(({ title }) => title)).toEqual([`dump ${database.name}`, 'expire backups']);
  const intent = steps.flatMap((step) => step.intent ?? []).join('\n');
  expect(intent).toContain(`make ${directory} a repository`);
  expect(intent).toContain('pg_dump (PostgreSQL)');
  expect(intent).toContain('remove nothing');
});

test('a directory that holds something else is refused untouched', async ({ database, vault, session }) => {
  await writeFile(join(vault.directory, 'thesis.txt'), 'years of work');
  const around = { connection: database.connection, database: session };
  await expect(runTask(backup, { directory: vault.directory }, around)).rejects.toMatchObject({
    code: 'FILE_UNUSABLE',
  });
  expect(await readdir(vault.directory)).toEqual(['thesis.txt']);
});

test('a server newer than every pg_dump is refused before anything is written', async ({ vault }) => {
  await using cluster = await startCluster({
    binDirectory: inject('embeddedBinDirectory'),
    parentDirectory: '/tmp',
    uid: process.getuid?.(),
  });
  const connection = parseConnection(new Secret(cluster.url('postgres')));
  await using session = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'test' });
  await expect(vault.take({}, { connection, database: session })).rejects.toMatchObject({
    code: 'PROGRAM_TOO_OLD',
    detail: 'preflight.pg_dump_too_old',
  });
  expect(await readdir(vault.directory)).toEqual([]);
});

test('too little room for another backup is said before it begins', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await vault.take();
  const [folder = ''] = await vault.backups();
  // A backup of a size that no disk has: a sparse file, in the words of its manifest.
  await run('truncate', ['--size=4P', join(folder, 'data.dump.zst')]).catch(() =>
    run('truncate', ['--size=8T', join(folder, 'data.dump.zst')]),
  );
  await expect(vault.take()).rejects.toMatchObject({ code: 'NO_SPACE' });
});

test('what pg_dump warned of is in the manifest, and turns the outcome into a warning', async ({ database, vault }) => {
  const clients = await withFakes(database.connection, {
    pg_dump:
      'echo "pg_dump: warning: subscriptions not dumped because current user is not a superuser" >&2\nexec "$REAL" "$@"',
  });
  expect(await vault.take({}, { clients })).toMatchObject({
    status: 'warn',
    summary: expect.stringMatching(/subscriptions not dumped/),
    detail: 'backup.warnings',
  });
  const [folder] = await vault.backups();
  expect(await manifestOf(folder)).toMatchObject({ warnings: [expect.stringMatching(/subscriptions/)] });
});

test('circular foreign keys are no reason to warn', async ({ database, vault }) => {
  await database.query(`
    CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
    ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b`);
  expect((await vault.take()).status).toBe('done');
});

test('progress counts bytes up to the size of the dump', async ({ database, vault }) => {
  await database.query(`CREATE TABLE noise AS SELECT md5(random()::text) AS a FROM generate_series(1, 200000)`);
  const seen: number[] = [];
  const outcome = await vault.take({}, { onProgress: ({ done }) => seen.push(done) });
  expect(seen.at(-1)).toBe(outcome.facts?.['bytes']);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.length).toBeGreaterThan(3);
});

test('expiry removes what every place is taken for, oldest first, and only with a keep', async ({
  database,
  vault,
}) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  const days = [1, 2, 3, 4, 5];
  for (const day of days) await vault.take({}, { now: () => new Date(`2026-11-0${day}T02:00:00Z`) });
  const around = { connection: database.connection, now: () => new Date('2026-11-06T02:00:00Z') };
  expect(await vault.backups()).toHaveLength(5);
  await vault.take({}, around);
  expect(await vault.backups()).toHaveLength(6);
  await vault.expire({ keep: { last: 2, minVerified: 1 } }, around);
  expect((await vault.backups()).map((path) => path.slice(path.lastIndexOf('/') + 1, -5))).toEqual([
    '20261106T020000Z',
    '20261106T020000Z',
  ]);
  expect((await vault.everything()).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a folder that is no whole backup is never removed and never counted', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await vault.take({}, { now: () => new Date('2026-11-01T02:00:00Z') });
  const strange = ['20200101T000000Z-dead', 'my-own-folder'].map((name) => join(vault.directory, 'app', name));
  for (const path of strange) await mkdir(path);
  await vault.expire({ keep: { last: 1, minVerified: 1 } }, { now: () => new Date('2026-11-02T02:00:00Z') });
  for (const path of strange) expect((await stat(path)).isDirectory()).toBe(true);
  expect(await vault.backups()).toHaveLength(2);
});

test('a directory that cannot be written to is said by its path', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await writeFile(join(vault.directory, 'file'), '');
  await chmod(vault.directory, 0o500);
  await expect(vault.take({ directory: join(vault.directory, 'file', 'deeper') })).rejects.toMatchObject({
    code: 'FILE_UNUSABLE',
  });
  await chmod(vault.directory, 0o700);
});

test('the checksum in the manifest is that of the file', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await vault.take();
  const [folder = ''] = await vault.backups();
  const bytes = await readFile(join(folder, 'data.dump.zst'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await manifestOf(folder)).toMatchObject({
    artifacts: [{ bytes: bytes.length, sha256 }, { path: 'globals.sql.zst' }],
  });
});
