import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { MAINT } from '../support/maint.ts';
import { processes, until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

const SCHEMA = `
  CREATE SCHEMA app;
  CREATE TABLE app.users (id serial PRIMARY KEY, name text);
  INSERT INTO app.users (name) SELECT 'user ' || n FROM generate_series(1, 300) AS n;
  CREATE TABLE app.notes (note text);
  INSERT INTO app.notes VALUES ('first'), ('second')`;

/** Opens a pseudo-terminal, runs a program on it, and passes on what is typed: two bytes of a line count as it comes. */
const TERMINAL = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])) % 256)
`;

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import pty'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface Typed {
  /** Waits until it is asked, and answers with these bytes. */
  answer(question: string, text: string): Promise<void>;
  /** Everything on the terminal so far. */
  shown(): string;
  readonly ended: Promise<number | null>;
}

function onTerminal(site: Site, ...args: readonly string[]): Typed {
  const script = join(site.folder, 'terminal.py');
  writeFileSync(script, TERMINAL);
  const words = [script, process.execPath, MAINT, ...args, '--config', site.configFile];
  const child = spawn('python3', words, {
    cwd: site.folder,
    env: { HOME: '/nonexistent', TERM: 'dumb', ...site.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  let shown = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  return {
    shown: () => shown.replaceAll('\r', ''),
    ended: new Promise((resolve) => child.on('close', (code) => resolve(code))),
    async answer(question, text) {
      await until(`it asks "${question}"`, () => shown.indexOf(question, seen) >= 0);
      seen = shown.indexOf(question, seen) + question.length;
      child.stdin.write(text);
    },
  };
}

async function databases(like: string): Promise<readonly string[]> {
  const rows = await queryOnce<{ name: string }>(
    clusterUrl('postgres'),
    `SELECT datname AS name FROM pg_database WHERE datname LIKE $1 AND datname <> $2`,
    [`${like}%`, like],
  );
  return rows.map(({ name }) => name);
}

describe.skipIf(!hasPython())('maint restore at a terminal', { timeout: 120_000 }, () => {
  test('asks for everything, shows the plan, and begins after a yes', async ({ site }) => {
    const { database } = site;
    await database.query(SCHEMA);
    await site.run('backup');
    // Before the second one: two ids of one second sort by chance.
    const [older = ''] = site.visible();
    await site.run('backup');
    const side = `${database.name}_side`;
    const typed = onTerminal(site, 'restore');
    await typed.answer('Which one?', '7\n');
    await typed.answer('Which one?', '2\n');
    await typed.answer('All of it, or only some tables?', 'app.usres, notes\n');
    await typed.answer('Name of the new database', `${database.name}\n`);
    await typed.answer('Which tables?', 'app.users, notes\n');
    await typed.answer('Another name for the new database', `${side}\n`);
    await typed.answer('Go on? [y/N]', 'y\n');
    expect(await typed.ended).toBe(0);
    expect(typed.shown()).toContain('Did you mean app.users?');
    expect(typed.shown()).toContain(`would restore 2 tables of backup ${older}: 302 rows`);
    expect(typed.shown()).toContain('302 rows, all as backed up');
    expect(await queryOnce(clusterUrl(side), 'SELECT count(*)::int AS n FROM app.users')).toEqual([{ n: 300 }]);
    await queryOnce(clusterUrl('postgres'), `DROP DATABASE ${side}`);
  });

  test.for([
    ['no', 'n\n', 2],
    ['the end of the input', '\u0004', 2],
    ['Ctrl-C', '\u0003', 130],
  ] as const)('touches nothing after %s in place of a yes', async ([, bytes, exitCode], { site }) => {
    await site.database.query(SCHEMA);
    await site.run('backup');
    const typed = onTerminal(site, 'restore');
    await typed.answer('Which one?', '\n');
    await typed.answer('only some tables?', '\n');
    await typed.answer('Name of the new database', '\n');
    await typed.answer('Go on?', bytes);
    expect(await typed.ended).toBe(exitCode);
    expect(typed.shown().toLowerCase()).toContain('nothing was touched');
    expect(await databases(site.database.name)).toEqual([]);
  });

  test('asks which copy where there are several, and tells of one that does not answer', async ({ site }) => {
    const directory = join(site.folder, 'offsite');
    const broken = {
      name: 'broken',
      type: 'command',
      medium: 'disk',
      put: ['false', '{file}', '{path}'],
      get: ['false', '{path}'],
      list: ['false', '{folder}'],
    };
    mkdirSync(directory);
    const backups = join(site.folder, 'backups');
    site.configure({ backups: { directory: backups } });
    await site.database.query(SCHEMA);
    await site.run('backup');
    cpSync(backups, directory, { recursive: true });
    site.configure({
      backups: { directory: backups, copies: [{ name: 'offsite', type: 'directory', directory }, broken] },
    });
    const typed = onTerminal(site, 'restore');
    await typed.answer('Which one?', '\n');
    await typed.answer('From which copy: local, offsite [local]', 'nowhere\n');
    await typed.answer('From which copy', 'offsite\n');
    await typed.answer('only some tables?', '\n');
    await typed.answer('Name of the new database', '\n');
    await typed.answer('Go on?', '\n');
    expect(await typed.ended).toBe(2);
    expect(typed.shown()).toContain('! broken could not be looked at');
    expect(typed.shown()).toContain(`from  ${directory}/app/`);
  });

  test('offers to do without roles that are missing', async ({ site }) => {
    const { database } = site;
    const role = `r_${database.name}`;
    await database.query(`${SCHEMA}; CREATE ROLE ${role}; ALTER TABLE app.users OWNER TO ${role}`);
    await site.run('backup');
    await database.query(`REASSIGN OWNED BY ${role} TO postgres; DROP ROLE ${role}`);
    const side = `${database.name}_side`;
    const typed = onTerminal(site, 'restore');
    await typed.answer('Which one?', '1\n');
    await typed.answer('only some tables?', 'all\n');
    await typed.answer('Name of the new database', `${side}\n`);
    await typed.answer('leave everything to the role that restores (l)?', '\n');
    await typed.answer('Go on?', 'yes\n');
    expect(await typed.ended).toBe(0);
    expect(typed.shown()).toContain(`the role ${role} does not exist`);
    expect(
      await queryOnce(clusterUrl(side), `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'users'`),
    ).toEqual([{ owner: 'postgres' }]);
    await queryOnce(clusterUrl('postgres'), `DROP DATABASE ${side}`);
  });

  test('asks for the key of an encrypted backup', async ({ site }) => {
    const keys = await makeKeyPair();
    const backups = { directory: join(site.folder, 'backups'), encryption: { recipients: [keys.recipient] } };
    site.configure({ backups });
    await site.database.query(SCHEMA);
    await site.run('backup');
    writeFileSync(join(site.folder, 'key.txt'), keys.identity.reveal(), { mode: 0o600 });
    const side = `${site.database.name}_side`;
    const typed = onTerminal(site, 'restore');
    await typed.answer('Which one?', '\n');
    await typed.answer('only some tables?', '\n');
    await typed.answer('Name of the new database', `${side}\n`);
    await typed.answer('The file of a secret key', 'key.txt\n');
    await typed.answer('Go on?', 'y\n');
    expect(await typed.ended).toBe(0);
    await queryOnce(clusterUrl('postgres'), `DROP DATABASE ${side}`);
  });

  test('Ctrl-C while it restores drops what it had begun', async ({ site }) => {
    const { database } = site;
    await database.query(
      `${SCHEMA}; CREATE FUNCTION app.slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
       CREATE TABLE app.many AS SELECT generate_series(1, 200) AS id;
       CREATE INDEX ON app.many ((id + app.slow(id)));
       CREATE OR REPLACE FUNCTION app.slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(0.05)'`,
    );
    await site.run('backup');
    const typed = onTerminal(site, 'restore');
    await typed.answer('Which one?', '\n');
    await typed.answer('only some tables?', '\n');
    await typed.answer('Name of the new database', '\n');
    await typed.answer('Go on? [y/N]: ', 'y\n');
    await until('indexes are built', () =>
      processes().some(
        ({ commandLine }) => commandLine.includes('--section=post-data') && commandLine.includes(database.name),
      ),
    );
    await typed.answer('', '\u0003');
    expect(await typed.ended).toBe(130);
    expect(await databases(database.name)).toEqual([]);
  });

  test('asks nothing where something was said, or where nobody sits', async ({ site }) => {
    await site.database.query(SCHEMA);
    await site.run('backup');
    const typed = onTerminal(site, 'restore', '--dry-run');
    expect(await typed.ended).toBe(0);
    expect(typed.shown()).not.toContain('Which one?');
    const side = `${site.database.name}_side`;
    const end = await site.run('restore', '--to-database', side);
    expect(end).toMatchObject({ exitCode: 0 });
    await queryOnce(clusterUrl('postgres'), `DROP DATABASE ${side}`);
  });
});
