import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { flat, MAINT } from '../support/maint.ts';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { descendants, processes, until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

const SCHEMA = `
  CREATE SCHEMA app;
  CREATE TABLE app.users (id serial PRIMARY KEY, name text UNIQUE);
  INSERT INTO app.users (name) SELECT 'user ' || n FROM generate_series(1, 3000) AS n;
  CREATE TABLE app."Odd ""Orders""" (id int REFERENCES app.users, note text);
  INSERT INTO app."Odd ""Orders""" VALUES (1, 'first'), (2, 'second');
  CREATE MATERIALIZED VIEW app.names AS SELECT name FROM app.users;
  CREATE INDEX ON app.names (name)`;

async function names(like: string): Promise<readonly string[]> {
  const rows = await queryOnce<{ name: string }>(
    clusterUrl('postgres'),
    `SELECT datname AS name FROM pg_database WHERE datname LIKE $1 ORDER BY 1`,
    [`%${like}%`],
  );
  return rows.map(({ name }) => name);
}

async function drop(name: string): Promise<void> {
  await queryOnce(clusterUrl('postgres'), `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
}

/** A place for throw-away servers that the server's own user may enter. */
function scratchOf(site: Site): string {
  const scratch = join(site.folder, 's');
  mkdirSync(scratch);
  for (const folder of [site.folder, scratch]) chmodSync(folder, 0o755);
  return scratch;
}

function serversBelow(folder: string): readonly number[] {
  return processes().flatMap(({ pid, commandLine }) =>
    commandLine.includes(`${folder}/`) && /postgres|initdb|pg_ctl/.test(commandLine.split(' ')[0] ?? '') ? [pid] : [],
  );
}

/** Has the server itself been started, which is told its socket directory? Its children hide their command lines. */
function isServing(folder: string): boolean {
  return processes().some(
    ({ commandLine }) => commandLine.includes(`/postgres -D ${folder}/`) && commandLine.includes(' -k '),
  );
}

test('a backup becomes a new database beside the live one, and the printed lines swap the two and back', async ({
  site,
}) => {
  const { database } = site;
  await database.query(SCHEMA);
  await site.run('backup');
  await database.query(`DELETE FROM app."Odd ""Orders"""`);
  const copy = `${database.name}_copy`;
  const end = await site.run('restore', 'latest', '--to-database', copy);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain(`${copy} holds backup`);
  expect(end.stdout).toMatch(/3,00\d rows, all as backed up/);
  const orders = (name: string): Promise<readonly { n: string }[]> =>
    queryOnce(clusterUrl(name), `SELECT count(*) AS n FROM app."Odd ""Orders"""`);
  expect(await orders(copy)).toEqual([{ n: '2' }]);
  expect(await orders(database.name)).toEqual([{ n: '0' }]);

  const [swapping = '', undoing = ''] = [...end.stdout.matchAll(/<<'SQL'\n([^]*?)\nSQL/g)].map(([, lines]) => lines);
  for (const line of lines(swapping)) await queryOnce(clusterUrl('postgres'), line);
  expect(await orders(database.name)).toEqual([{ n: '2' }]);
  for (const line of lines(undoing)) await queryOnce(clusterUrl('postgres'), line);
  expect(await orders(database.name)).toEqual([{ n: '0' }]);
  expect(await orders(copy)).toEqual([{ n: '2' }]);
  await drop(copy);
});

function lines(block: string): readonly string[] {
  return block.split('\n').filter((line) => line !== 'BEGIN;' && line !== 'COMMIT;');
}

test('--swap exchanges the two at once, and only for the right name', async ({ site }) => {
  const { database } = site;
  await database.query(SCHEMA);
  await site.run('backup');
  await database.query('DROP SCHEMA app CASCADE');
  const wrong = await site.run('restore', '--swap', '--confirm', 'other');
  expect(wrong).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(`the live database is ${database.name}`),
  });
  expect(await names(database.name)).toEqual([database.name]);

  const end = await site.run('restore', '--swap', '--confirm', database.name, '--json');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(end.stdout)).toMatchObject({ verdict: 'done', swapped: true, findings: [] });
  expect(await database.query('SELECT count(*)::int AS n FROM app.users')).toEqual([{ n: 3_000 }]);
  const others = (await names(database.name)).filter((name) => name !== database.name);
  expect(others).toEqual([expect.stringContaining('_before_')]);
  for (const name of others) await drop(name);
});

test('a database that is there already is refused before anything is touched', async ({ site }) => {
  const { database } = site;
  await database.query(SCHEMA);
  await site.run('backup');
  const before = await names(database.name);
  const end = await site.run('restore', 'latest', '--to-database', database.name);
  expect(end).toMatchObject({ exitCode: 2, stdout: '' });
  expect(end.stderr).toContain(`the database ${database.name} is there already`);
  expect(await names(database.name)).toEqual(before);
  expect(await database.query('SELECT count(*)::int AS n FROM app.users')).toEqual([{ n: 3_000 }]);
  const unknown = await site.run('restore', '20200101T000000Z-0000');
  expect(unknown).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('there is no backup 20200101T000000Z'),
  });
});

test('a dry run says what would be done, and makes nothing', async ({ site }) => {
  await site.database.query(SCHEMA);
  await site.run('backup');
  const end = await site.run('restore', '--dry-run');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(flat(end.stdout)).toMatch(/would restore backup .*3,00\d rows/);
  expect(await names(site.database.name)).toEqual([site.database.name]);
});

test('a missing role is named first, and made only when that is asked for', async ({ site }) => {
  const { database } = site;
  const role = `r_${database.name}`;
  await database.query(
    `${SCHEMA}; CREATE ROLE ${role}; ALTER TABLE app.users OWNER TO ${role}; GRANT USAGE ON SCHEMA app TO ${role}`,
  );
  await site.run('backup');
  await database.query(`REASSIGN OWNED BY ${role} TO postgres; DROP OWNED BY ${role}; DROP ROLE ${role}`);
  const copy = `${database.name}_copy`;
  const refused = await site.run('restore', '--to-database', copy);
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`the role ${role} does not exist`) });
  expect(await names(copy)).toEqual([]);

  expect(await site.run('restore', '--to-database', copy, '--no-owner')).toMatchObject({ exitCode: 0 });
  await drop(copy);
  expect(await site.run('restore', '--to-database', copy, '--create-roles')).toMatchObject({ exitCode: 0 });
  const owner = await queryOnce(
    clusterUrl(copy),
    `SELECT tableowner AS owner, rolcanlogin AS login FROM pg_tables JOIN pg_roles ON rolname = tableowner WHERE tablename = 'users'`,
  );
  expect(owner).toEqual([{ owner: role, login: false }]);
  await drop(copy);
  await queryOnce(clusterUrl('postgres'), `DROP ROLE ${role}`);
});

test('a damaged backup leaves no half-restored database, unless --keep says so', async ({ site }) => {
  await site.database.query(SCHEMA);
  await site.run('backup');
  const [id = ''] = site.visible();
  const dump = join(site.backups, id, 'data.dump.zst');
  truncateSync(dump, statSync(dump).size - 2_000);
  const copy = `${site.database.name}_copy`;
  const end = await site.run('restore', '--to-database', copy);
  expect(end.exitCode).toBe(1);
  expect(end.stdout).toMatch(/restore\.load_failed/);
  expect(end.stdout).toContain('was dropped again');
  expect(await names(copy)).toEqual([]);
  expect(await site.run('restore', '--to-database', copy, '--keep')).toMatchObject({ exitCode: 1 });
  expect(await names(copy)).toEqual([copy]);
  await drop(copy);
});

test('a restore that a signal stops drops what it had begun', async ({ site }) => {
  const { database } = site;
  await database.query(
    `${SCHEMA}; CREATE FUNCTION app.slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
     CREATE INDEX ON app.users (app.slow(id)) WHERE id < 0; CREATE TABLE app.many AS SELECT generate_series(1, 600) AS id;
     CREATE INDEX ON app.many ((id + app.slow(id)));
     CREATE OR REPLACE FUNCTION app.slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(0.01)'`,
  );
  await site.run('backup');
  const copy = `${database.name}_copy`;
  const running = site.start('restore', '--to-database', copy);
  await until('indexes are built', () =>
    descendants(running.child.pid ?? 0).some(({ commandLine }) => commandLine.includes('--section=post-data')),
  );
  running.child.kill('SIGTERM');
  expect(await running.ended).toMatchObject({ exitCode: 143 });
  expect(await names(copy)).toEqual([]);
});

test('what a killed restore test left behind, its running server too, is gone after the next one', async ({ site }) => {
  const scratch = scratchOf(site);
  site.configure({ tasks: { 'restore-test': { scratch } } });
  await site.database.query(SCHEMA);
  await site.run('backup');
  const running = site.start('restore-test');
  await until('its server runs', () => isServing(scratch));
  running.child.kill('SIGKILL');
  await running.ended;
  const left = serversBelow(scratch);
  expect(left.length).toBeGreaterThan(0);
  const [folder = ''] = readdirSync(scratch);

  const dry = await site.run('restore-test', '--dry-run');
  expect(flat(dry.stdout)).toContain(join(scratch, folder));
  expect(readdirSync(scratch)).toEqual([folder]);

  expect(await site.run('restore-test')).toMatchObject({ exitCode: 0 });
  expect(readdirSync(scratch)).toEqual([]);
  expect(serversBelow(scratch)).toEqual([]);
});

test('a restore test that is stopped by a signal leaves no server', async ({ site }) => {
  const scratch = scratchOf(site);
  site.configure({ tasks: { 'restore-test': { scratch } } });
  await site.database.query(SCHEMA);
  await site.run('backup');
  const running = site.start('restore-test');
  await until('its server runs', () => isServing(scratch));
  running.child.kill('SIGTERM');
  expect(await running.ended).toMatchObject({ exitCode: 143 });
  expect(readdirSync(scratch)).toEqual([]);
  expect(serversBelow(scratch)).toEqual([]);
});

test('a backup that goes away while it is tried ends the restore test, and is not called bad', async ({ site }) => {
  const scratch = scratchOf(site);
  site.configure({ tasks: { 'restore-test': { scratch } } });
  await site.database.query(SCHEMA);
  await site.run('backup');
  const running = site.start('restore-test');
  await until('its server is made', () => readdirSync(scratch).length > 0);
  rmSync(join(site.backups, site.visible()[0] ?? ''), { recursive: true });
  const limit = setTimeout(() => running.child.kill('SIGKILL'), 30_000);
  const end = await running.ended;
  clearTimeout(limit);
  expect(end, end.stdout + end.stderr).toMatchObject({ exitCode: 4, signal: null });
  expect(readdirSync(scratch)).toEqual([]);
});

/** Only root can be somebody else. */
const isRoot = process.getuid?.() === 0;

test.for(isRoot ? ['root', 'nobody'] : ['this user'])(
  'a restore test by %s measures each phase, and leaves no server, folder or socket',
  async (user, { site }) => {
    const scratch = scratchOf(site);
    await site.database.query(SCHEMA);
    await site.run('backup');
    // The database of the tests lets only some in.
    site.configure({ database: undefined, alerts: {}, tasks: { 'restore-test': { scratch } } });
    delete site.env['DATABASE_URL'];
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', isRoot ? [flag, user] : [flag])));
    if (isRoot) execFileSync('chown', ['-R', `${uid}:${gid}`, site.folder]);
    const end = spawnSync(process.execPath, [MAINT, 'restore-test', '--json', '--config', site.configFile], {
      ...(isRoot && { uid, gid }),
      cwd: site.folder,
      env: { ...site.env, HOME: site.folder },
      encoding: 'utf8',
    });
    expect(end.status, end.stdout + end.stderr).toBe(0);
    const facts = JSON.parse(end.stdout).tasks[0].steps[0].facts;
    const phases: readonly unknown[] = Object.values(facts.seconds);
    expect(phases.length).toBeGreaterThan(3);
    const total = phases.reduce<number>((sum, seconds) => sum + Number(seconds), 0);
    expect(Math.abs(total - facts.rtoSeconds) / facts.rtoSeconds).toBeLessThan(0.05);
    expect(readdirSync(scratch)).toEqual([]);
    expect(serversBelow(scratch)).toEqual([]);
  },
);

const RUNBOOK = readFileSync(join(import.meta.dirname, '../../docs/runbooks/restore.md'), 'utf8');

/** The blocks of a page in one language. */
function blocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
}

test('the runbook works with stock programs alone, and says what RESTORE.md says', async ({ site }) => {
  const { database } = site;
  await database.query(SCHEMA);
  await site.run('backup');
  const [id = ''] = site.visible();
  const folder = join(site.backups, id);
  const [commands = ''] = blocks(RUNBOOK, 'bash');
  const [noted = ''] = blocks(readFileSync(join(folder, 'RESTORE.md'), 'utf8'), 'bash');
  expect(commands).toBe(noted.replace(/:-.*\}/, ':-restored}'));

  const { host, port, user } = database.connection;
  const copy = `${database.name}_copy`;
  const env = { PATH: '/usr/bin:/bin', PGHOST: host, PGPORT: String(port), PGUSER: user, NEW: copy };
  execFileSync('bash', ['-c', commands], { cwd: folder, env, stdio: 'pipe' });
  await database.query('DROP SCHEMA app CASCADE');

  const [swapping = '', undoing = ''] = blocks(RUNBOOK, 'sql').map((text) =>
    text.replaceAll(/(["'])(app_before|app|restored)\1/g, (_, mark: string, name: string) =>
      [mark, name === 'restored' ? copy : name.replace('app', database.name), mark].join(''),
    ),
  );
  const sql = (input: string): Buffer =>
    execFileSync('psql', ['-v', 'ON_ERROR_STOP=1', 'postgres'], { env, input, stdio: 'pipe' });
  const live = (): Promise<readonly unknown[]> =>
    database.query(`SELECT to_regclass('app.users') IS NOT NULL AS there`);
  sql(swapping);
  expect(await live()).toEqual([{ there: true }]);
  sql(undoing);
  expect(await live()).toEqual([{ there: false }]);
  await drop(copy);
});
