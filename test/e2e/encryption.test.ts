import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeKeyPair, type KeyPair } from '../../src/adapters/age-keys.ts';
import { agePath, keyFile } from '../support/age.ts';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { flat, type MaintEnd, type RunningMaint } from '../support/maint.ts';
import { descendants } from '../support/process-table.ts';
import { test as withSite, type Site } from '../support/site.ts';

const ROWS = `
  CREATE TABLE users (id int PRIMARY KEY, name text);
  INSERT INTO users SELECT n, md5(n::text) FROM generate_series(1, 60000) AS n`;

interface Fixtures {
  ops: KeyPair;
  breakGlass: KeyPair;
}

const test = withSite.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern
  ops: async ({}, use) => use(await makeKeyPair()),
  // oxlint-disable-next-line no-empty-pattern
  breakGlass: async ({}, use) => use(await makeKeyPair()),
});

/** Writes the secret keys into a file of their own, as a person would have them, and names it in the configuration. */
function configure(site: Site, recipients: readonly KeyPair[], ...held: readonly KeyPair[]): void {
  const file = join(site.folder, 'key.txt');
  writeFileSync(file, held.length === 0 ? '' : keyFile(...held).reveal(), { mode: 0o600 });
  site.configure({
    backups: {
      directory: join(site.folder, 'backups'),
      encryption: {
        recipients: recipients.map(({ recipient }) => recipient),
        ...(held.length > 0 && { identity: { file } }),
      },
    },
  });
}

/** Puts a recorder of words and environment in front of a program: one that is gone within a blink is seen all the same. */
function record(site: Site, program: string): string {
  const file = join(site.folder, `${program}.seen`);
  const real = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  site.shadow(program, `{ tr '\\0' '\\n' < /proc/$$/environ; echo "$@"; } >> '${file}'\nexec '${real}' "$@"`);
  return file;
}

/** Looks at every process that maint starts, again and again until it ends. */
async function watched(running: RunningMaint): Promise<{ readonly end: MaintEnd; readonly seen: ReadonlySet<string> }> {
  const seen = new Set<string>();
  const look = (): void => {
    const { pid = 0 } = running.child;
    for (const each of [{ pid }, ...descendants(pid)])
      for (const part of ['cmdline', 'environ']) seen.add(readIfThere(`/proc/${each.pid}/${part}`));
  };
  const timer = setInterval(look, 2);
  try {
    return { end: await running.ended, seen };
  } finally {
    clearInterval(timer);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It ended between the two looks.
    return '';
  }
}

/** Every file below a folder. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test('a host takes encrypted backups that it cannot read, and another one with a key proves and restores them', async ({
  site,
  ops,
  breakGlass,
}) => {
  const { database } = site;
  await database.query(ROWS);
  const both = [ops, breakGlass];
  configure(site, both);

  const dry = await site.run('backup', '--dry-run');
  expect(flat(dry.stdout)).toContain(`encrypt to 2 recipients of age: ${ops.recipient}, ${breakGlass.recipient}`);
  const taken = await site.run('backup', '--json');
  expect(taken).toMatchObject({ exitCode: 0, stderr: '' });
  expect(taken.stdout).toContain(breakGlass.recipient);

  const blind = await site.run('verify-backup', '--json');
  expect(blind.exitCode).toBe(4);
  expect(blind.stdout).toContain('verify.no_key');

  configure(site, both, breakGlass);
  const verified = await site.run('verify-backup');
  expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
  // The lease of maint is a row too.
  expect(flat(verified.stdout)).toMatch(/60,00\d rows/);

  const copy = `${database.name}_copy`;
  const restored = await site.run('restore', 'latest', '--to-database', copy);
  expect(restored).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await queryOnce(clusterUrl(copy), 'SELECT count(*)::int AS n FROM users')).toEqual([{ n: 60_000 }]);
  await queryOnce(clusterUrl('postgres'), `DROP DATABASE "${copy}" WITH (FORCE)`);

  configure(site, both, await makeKeyPair());
  const refused = await site.run('restore', 'latest', '--to-database', copy);
  expect(refused.exitCode).toBe(4);
  expect(flat(refused.stderr + refused.stdout)).toContain('the identity does not open the file');
});

test('no secret key reaches a program, its environment, or a file', async ({ site, ops, breakGlass }) => {
  await site.database.query(ROWS);
  configure(site, [ops, breakGlass], ops);
  const recorded = ['zstd', 'pg_restore'].map((program) => record(site, program));
  const copy = `${site.database.name}_copy`;
  for (const args of [['backup'], ['verify-backup'], ['restore', 'latest', '--to-database', copy]]) {
    const { end, seen } = await watched(site.start(...args));
    expect(end, args[0]).toMatchObject({ exitCode: 0 });
    // Not that of the backup's own key either, which the test does not know.
    const programs = recorded.map(readIfThere).join('');
    expect(programs, args[0]).toContain('PATH=');
    for (const file of recorded) rmSync(file, { force: true });
    for (const text of [...seen, programs, end.stdout, end.stderr])
      expect(text.toUpperCase()).not.toContain('AGE-SECRET-KEY-');
  }
  await queryOnce(clusterUrl('postgres'), `DROP DATABASE "${copy}" WITH (FORCE)`);
  for (const path of filesBelow(site.folder).filter((path) => !path.endsWith('/key.txt')))
    expect(readFileSync(path, 'latin1').toUpperCase(), path).not.toContain('AGE-SECRET-KEY-');
});

test('a recipient that is none is refused before anything is touched, and a pasted secret key is not repeated', async ({
  site,
  ops,
}) => {
  const secret = ops.identity.reveal();
  for (const [recipient, message] of [
    [`${ops.recipient.slice(0, -1)}${ops.recipient.endsWith('q') ? 'p' : 'q'}`, 'does not add up'],
    [secret, 'is a secret key'],
    ['ssh-ed25519 AAAA', 'is an SSH key'],
  ] as const) {
    site.configure({ backups: { encryption: { recipients: [ops.recipient, recipient] } } });
    const end = await site.run('backup');
    expect(end.exitCode).toBe(2);
    expect(flat(end.stderr)).toContain(`backups.encryption.recipients[1]: ${message}`);
    expect(end.stderr + end.stdout).not.toContain(secret);
    expect((await site.run('config', 'check')).stdout).not.toContain(secret);
  }
  expect(site.visible()).toEqual([]);
});

test.skipIf(agePath === undefined)(
  'the page about encryption gives the command that restores',
  async ({ site, ops }) => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/encryption.md'), 'utf8');
    const [, command = 'false'] = /```bash\n(age --decrypt[^]+?)```/.exec(page) ?? [];
    await site.database.query(ROWS);
    configure(site, [ops], ops);
    await site.run('backup');
    const [id = ''] = site.visible();
    const { host, port, user } = site.database.connection;
    const copy = `${site.database.name}_copy`;
    await queryOnce(clusterUrl('postgres'), `CREATE DATABASE "${copy}" TEMPLATE template0`);
    execFileSync('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: join(site.backups, id),
      env: {
        PATH: process.env['PATH'],
        PGHOST: host,
        PGPORT: String(port),
        PGUSER: user,
        NEW: copy,
        KEY: join(site.folder, 'key.txt'),
      },
      stdio: 'pipe',
    });
    const sums = await queryOnce<{ sum: string }>(
      clusterUrl(copy),
      `SELECT string_agg(name, '' ORDER BY id) AS sum FROM users`,
    );
    await queryOnce(clusterUrl('postgres'), `DROP DATABASE "${copy}" WITH (FORCE)`);
    const expected = Array.from({ length: 60_000 }, (_, index) =>
      createHash('md5')
        .update(String(index + 1))
        .digest('hex'),
    ).join('');
    expect(sums).toEqual([{ sum: expected }]);
  },
);

test('a key that comes from the environment reaches no program, and what a command is given by name does', async ({
  site,
  ops,
}) => {
  const seen = record(site, 'zstd');
  const asked = record(site, 'pg_restore');
  const told = join(site.folder, 'put.seen');
  const say = (...places: readonly string[]): readonly string[] => [
    '/bin/sh',
    '-c',
    `env >> '${told}'; exit 1`,
    ...places,
  ];
  const copy = {
    name: 'far',
    type: 'command',
    medium: 'disk',
    put: say('{file}', '{path}'),
    get: say('{path}'),
    list: say('{folder}'),
    remove: say('{path}'),
    env: { FAR_PASSWORD: '${FAR_KEY}' },
  };
  site.configure({
    backups: {
      directory: join(site.folder, 'backups'),
      encryption: { recipients: [ops.recipient], identity: '${AGE_IDENTITY}' },
      copies: [copy],
    },
  });
  const key = keyFile(ops).reveal().trim();
  Object.assign(site.env, { AGE_IDENTITY: key, FAR_KEY: 'far-secret', HARMLESS: 'stays' });
  await site.database.query(ROWS);
  const taken = await site.run('backup');
  expect(taken.exitCode, taken.stdout + taken.stderr).toBe(1);
  expect(await site.run('verify-backup')).toMatchObject({ exitCode: 0 });
  for (const file of [seen, asked, told]) {
    const text = readFileSync(file, 'utf8');
    expect(text.includes('HARMLESS=stays'), file).toBe(file === told);
    expect(text, file).not.toMatch(/AGE_IDENTITY|AGE-SECRET-KEY|FAR_KEY/);
  }
  expect(readFileSync(told, 'utf8')).toContain('FAR_PASSWORD=far-secret');
});
