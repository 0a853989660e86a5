import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { takeHostLock } from '../../src/adapters/host-lock.ts';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { processes, until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

/** What is killed, waited for and done again takes its time on a busy machine. */
const PATIENCE = { timeout: 120_000 };

/** An index that is made at once here, and takes five seconds wherever it is restored. */
const SLOW = `
  CREATE SCHEMA app;
  CREATE FUNCTION app.slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
  CREATE TABLE app.many AS SELECT generate_series(1, 100) AS id;
  CREATE INDEX ON app.many ((id + app.slow(id)));
  CREATE OR REPLACE FUNCTION app.slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(0.05)'`;

const SMALL = `CREATE SCHEMA app; CREATE TABLE app.users AS SELECT generate_series(1, 300) AS id`;

async function databases(like: string): Promise<readonly string[]> {
  const rows = await queryOnce<{ name: string }>(
    clusterUrl('postgres'),
    `SELECT datname AS name FROM pg_database WHERE datname LIKE $1 ORDER BY 1`,
    [`${like}%`],
  );
  return rows.map(({ name }) => name);
}

async function drop(name: string): Promise<void> {
  await queryOnce(clusterUrl('postgres'), `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
}

async function indexesAreBuilt(name: string): Promise<void> {
  await until('indexes are built', () =>
    processes().some(
      ({ commandLine }) => commandLine.includes('--section=post-data') && commandLine.includes(`dbname='${name}'`),
    ),
  );
}

test(
  'what a killed restore left is named by the next one and by doctor, and dropped only when that is asked for',
  PATIENCE,
  async ({ site }) => {
    const { database } = site;
    await database.query(SLOW);
    await site.run('backup');
    const left = `${database.name}_left`;
    const running = site.start('restore', '--to-database', left);
    await indexesAreBuilt(left);
    const busy = await site.run('restore', '--sweep', '--json');
    // Other tests restore on this server at the same time, and their databases are named as well.
    expect(JSON.parse(busy.stdout)).toMatchObject({
      dropped: [],
      unfinished: expect.arrayContaining([expect.objectContaining({ database: left, isDead: false })]),
    });
    running.child.kill('SIGKILL');
    await running.ended;

    const next = await site.run('restore', '--table', 'app.many', '--dry-run');
    expect(next).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`dropdb ${left}`) });
    const doctor = await site.run('doctor');
    expect(doctor.stdout.replaceAll(/\s+/g, ' ')).toContain(`${left} was left behind by a killed restore`);
    expect((await site.run('history')).stdout).toMatch(/restore +killed/);

    const dry = await site.run('restore', '--sweep', '--dry-run');
    expect(dry.stdout).toContain(`would drop ${left}`);
    expect(await databases(left)).toEqual([left]);
    expect(await site.run('restore', '--sweep')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`dropped ${left}`),
    });
    expect(await databases(left)).toEqual([]);
    expect(await site.run('restore', '--sweep', 'latest')).toMatchObject({ exitCode: 2 });
  },
);

test('a finished restore leaves a line in the history, and nothing to sweep', async ({ site }) => {
  await site.database.query(SMALL);
  await site.run('backup');
  const copy = `${site.database.name}_copy`;
  await site.run('restore', '--to-database', copy);
  const { runs } = JSON.parse((await site.run('history', '--json')).stdout);
  expect(runs[0]).toMatchObject({ command: 'restore', verdict: 'done' });
  const { dropped, unfinished } = JSON.parse((await site.run('restore', '--sweep', '--json')).stdout);
  expect(JSON.stringify([dropped, unfinished])).not.toContain(copy);
  expect(await databases(copy)).toEqual([copy]);
  await drop(copy);
});

test(
  'of two restores into the same name the second is refused, and the first comes to its end',
  PATIENCE,
  async ({ site }) => {
    const { database } = site;
    await database.query(SLOW);
    await site.run('backup');
    const copy = `${database.name}_copy`;
    const first = site.start('restore', '--to-database', copy);
    await indexesAreBuilt(copy);
    const second = await site.run('restore', '--to-database', copy);
    expect(second).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`${copy} is there already`) });
    expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
    expect(await first.ended).toMatchObject({ exitCode: 0 });
    await drop(copy);
  },
);

/** The configuration of a copy in another folder, and the folder. */
function withCopy(site: Site): string {
  const directory = join(site.folder, 'offsite');
  site.configure({
    backups: {
      directory: join(site.folder, 'backups'),
      copies: [{ name: 'offsite', type: 'directory', directory }],
    },
  });
  return directory;
}

test('a copy is restored from when the backups of this host are gone', async ({ site }) => {
  await site.database.query(SMALL);
  await site.run('backup');
  const directory = withCopy(site);
  cpSync(join(site.folder, 'backups'), directory, { recursive: true });
  rmSync(join(site.folder, 'backups'), { recursive: true });
  const copy = `${site.database.name}_copy`;
  expect(await site.run('restore', '--to-database', copy)).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining('does not exist'),
  });
  const end = await site.run('restore', '--copy', 'offsite', '--to-database', copy, '--json');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(end.stdout)).toMatchObject({ verdict: 'done', copy: 'offsite', findings: [] });
  const unknown = await site.run('restore', '--copy', 'offsight');
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('offsite') });
  await drop(copy);
});

test('an encrypted backup needs a key, which --identity gives', async ({ site }) => {
  const keys = await makeKeyPair();
  site.configure({
    backups: { directory: join(site.folder, 'backups'), encryption: { recipients: [keys.recipient] } },
  });
  await site.database.query(SMALL);
  expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
  const copy = `${site.database.name}_copy`;
  const locked = await site.run('restore', '--to-database', copy);
  expect(locked).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('--identity') });
  const file = join(site.folder, 'key.txt');
  writeFileSync(file, `${keys.identity.reveal()}\n`, { mode: 0o600 });
  const end = await site.run('restore', '--to-database', copy, '--identity', 'key.txt');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(await site.run('restore', '--identity', 'nowhere.txt')).toMatchObject({ exitCode: 2 });
  await drop(copy);
});

test('--to restores onto the named server without the configured one, and takes no password', async ({ site }) => {
  await site.database.query(SMALL);
  await site.run('backup');
  const copy = `${site.database.name}_copy`;
  const url = clusterUrl('postgres');
  site.configure({ database: { url: 'postgres://nobody@localhost:1/app', connectTimeout: '1s' } });
  const end = await site.run('restore', '--to', url, '--to-database', copy, '--json');
  expect(end).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(end.stdout).swap.join()).toContain(`"${site.database.name}"`);
  await drop(copy);

  site.env['OTHER_URL'] = url;
  expect(await site.run('restore', '--to-env', 'OTHER_URL', '--to-database', copy)).toMatchObject({ exitCode: 0 });
  await drop(copy);
  for (const secret of ['postgres://me:hush@host/db', 'postgres://me@host/db?password=hush']) {
    const refused = await site.run('restore', '--to', secret);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('every user of this machine') });
    expect(refused.stderr).not.toContain('hush');
  }
  const unset = await site.run('restore', '--to-env', 'NOWHERE_URL');
  expect(unset).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('NOWHERE_URL is not set') });
  const live = await site.run('restore', '--to', url, '--to-database', site.database.name);
  expect(live).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is there already') });
});

test('a swap waits for its turn: while a run is at work the restored database stays beside the live one', async ({
  site,
}) => {
  await site.database.query(SMALL);
  await site.run('backup');
  const lock = takeHostLock(site.state);
  const end = await site.run('restore', '--swap', '--confirm', site.database.name);
  lock?.[Symbol.dispose]();
  expect(end).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('is restored and whole, but not in the place'),
  });
  const [, restored = ''] = await databases(site.database.name);
  expect(await queryOnce(clusterUrl(restored), 'SELECT count(*)::int AS n FROM app.users')).toEqual([{ n: 300 }]);
  await drop(restored);
});
