import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { libpqEnvironment, parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { runProgram } from '../../src/adapters/programs.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Check } from '../../src/cli/doctor/check.ts';
import { judgeServer } from '../../src/cli/doctor/database.ts';
import { main } from '../../src/cli/main.ts';
import { takeLease } from '../../src/engine/lease.ts';
import { beat } from '../../src/engine/peers.ts';
import { clusterUrl, LIMITS, queryOnce, test, type TestDatabase } from '../support/database.ts';
import { startReceiver } from '../support/receiver.ts';
import { makeWorld, type TestWorld } from '../support/world.ts';

interface Answer {
  readonly format: number;
  readonly verdict: string;
  readonly checks: readonly Check[];
}

async function examine(world: TestWorld, ...flags: readonly string[]): Promise<Answer & { readonly exitCode: number }> {
  const exitCode = await main(['doctor', '--json', ...flags], world);
  expect(world.err()).toBe('');
  const answer: Answer = JSON.parse(world.out());
  return { ...answer, exitCode };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'maint-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A PATH with nothing but the named programs of the machine, and scripts of the test's own. */
function searchPath(programs: readonly string[], scripts: Readonly<Record<string, string>> = {}): string {
  const directory = folder();
  for (const name of programs) {
    const found = (process.env['PATH'] ?? '').split(':').map((each) => join(each, name));
    for (const path of found) linkOnce(path, join(directory, name));
  }
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(directory, name), text, { mode: 0o755 });
  return directory;
}

function linkOnce(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // An earlier directory of the PATH has it.
  }
}

/** A role that may log in and nothing else. */
async function makeRole(database: TestDatabase): Promise<{ readonly role: string; readonly url: string }> {
  const role = `r_${randomBytes(6).toString('hex')}`;
  await database.query(`CREATE ROLE ${role} LOGIN`);
  // Its rights went with the database; where a failed test keeps that, the role stays too.
  onTestFinished(async () => {
    await queryOnce(clusterUrl('postgres'), `DROP ROLE ${role}`).catch(() => undefined);
  });
  return { role, url: clusterUrl(database.name, role) };
}

const ofStatus = (checks: readonly Check[], ...statuses: readonly string[]): readonly Check[] =>
  checks.filter(({ status }) => statuses.includes(status));
const named = (checks: readonly Check[], name: string): readonly Check[] =>
  checks.filter((check) => check.name === name);

describe('a healthy set-up', () => {
  test('is well in every part', async ({ database }) => {
    await database.query('CREATE TABLE users (id serial PRIMARY KEY)');
    const cwd = folder();
    const backups = join(cwd, 'backups');
    mkdirSync(backups, { mode: 0o700 });
    writeFileSync(
      join(cwd, 'maint.yaml'),
      [
        `tasks: { backup: { directory: ${JSON.stringify(backups)} } }`,
        'alerts: { channels: [{ name: ops, type: slack, url: "https://hooks.example.com/ops" }] }',
        'heartbeat: { url: "https://ping.example.com/1" }',
      ].join('\n'),
    );
    const crontab =
      '#!/bin/sh\necho "17 3 * * * maint daily --cron"\necho "47 4 * * 0 /x/maint.js weekly --cron"\necho "17 6 1 * * maint monthly --cron"\necho "*/5 * * * * maint tick --cron"\n';
    const PATH = `${searchPath([], { crontab, zstd: '', flock: '' })}:${process.env['PATH'] ?? ''}`;
    // Wherever this checkout lies: a person's Node.js lies where it stays.
    const where = { nodePath: '/usr/local/bin/node' };
    const world = makeWorld({ cwd, env: { DATABASE_URL: database.url, PATH }, process: where });

    const { format, exitCode, checks } = await examine(world);

    expect(exitCode).toBe(0);
    expect(format).toBe(1);
    // The test's cluster and its folder lie on one disk, and rightly so; and no test went through the channel yet.
    expect(ofStatus(checks, 'warn', 'unknown', 'fail').map(({ name }) => name)).toEqual(['backup disk', 'channel ops']);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'Node.js',
        'server',
        'reading',
        'schema maint',
        'pg_dump',
        'pg_restore',
        'zstd',
        'flock',
      ]),
    );
    expect(named(checks, 'daily')).toMatchObject([{ status: 'ok', summary: 'started by crontab -l' }]);
    expect(named(checks, 'weekly')).toMatchObject([{ status: 'ok' }]);
  });

  test('is left as it was: nothing is made, nothing is sent', async ({ database }) => {
    await using receiver = await startReceiver();
    const cwd = folder();
    writeFileSync(
      join(cwd, 'maint.json'),
      JSON.stringify({
        owners: { db: { contact: '@db' } },
        alerts: {
          owner: 'db',
          channels: [{ name: 'ops', type: 'webhook', url: receiver.webhookUrl }],
          routes: { page: { channels: ['ops'] } },
        },
        heartbeat: { url: receiver.pingUrl },
      }),
    );
    const world = makeWorld({ cwd, env: { DATABASE_URL: database.url } });
    const { checks } = await examine(world);
    expect(named(checks, 'pages'), 'one channel alone is not enough at night').toMatchObject([
      { status: 'warn', summary: expect.stringContaining('no fallback'), fix: [expect.stringContaining('fallback')] },
    ]);
    expect(receiver.requests).toEqual([]);
    expect(readdirSync(cwd)).toEqual(['maint.json']);
    expect(await database.query(`SELECT to_regnamespace('maint') AS schema`)).toEqual([{ schema: null }]);
  });
});

describe('a broken set-up', () => {
  test('is told all of its problems at once', async ({ database }) => {
    await database.query('CREATE TABLE invoices (id int); CREATE TABLE "Odd Name" (id int)');
    await database.query('CREATE TABLE secrets (id int); ALTER TABLE secrets ENABLE ROW LEVEL SECURITY');
    await database.query('CREATE SEQUENCE numbers');
    const { role, url } = await makeRole(database);
    await database.query(`GRANT SELECT ON secrets TO ${role}`);
    const cwd = folder();
    writeFileSync(join(cwd, 'file'), '');
    writeFileSync(
      join(cwd, 'maint.yaml'),
      [
        'name: app',
        'tasks:',
        '  helth: {}',
        `  backup: { directory: ${JSON.stringify(join(cwd, 'file', 'backups'))} }`,
        '  health: { connections: { idleInTransaction: soon } }',
        'alerts: { channels: [{ name: ops, type: slack, url: "hooks.example.com" }] }',
      ].join('\n'),
    );
    const env = { DATABASE_URL: url, PATH: searchPath([]), MAINT_STATE_DIR: join(cwd, 'file') };

    const { exitCode, verdict, checks } = await examine(makeWorld({ cwd, env }));

    expect(exitCode).toBe(2);
    expect(verdict).toBe('fail');
    const [helth] = named(checks, 'tasks.helth');
    expect(helth?.fix[0]).toMatch(/^Write health in .*maint\.yaml, line 3/);
    expect(named(checks, 'tasks.health.connections.idleInTransaction')).toMatchObject([{ status: 'fail' }]);
    expect(named(checks, 'alerts.channels[0].url')).toMatchObject([{ status: 'fail' }]);
    expect(named(checks, 'tables')).toMatchObject([
      {
        status: 'fail',
        summary: `${role} may not read 2 tables: public."Odd Name", public.invoices`,
        fix: [`GRANT SELECT ON TABLE public."Odd Name", public.invoices TO ${role};`],
      },
    ]);
    expect(named(checks, 'sequences')).toMatchObject([
      { fix: [`GRANT SELECT ON SEQUENCE public.numbers TO ${role};`] },
    ]);
    expect(named(checks, 'row-level security')).toMatchObject([
      {
        status: 'fail',
        summary: expect.stringContaining('public.secrets'),
        fix: [expect.stringContaining('BYPASSRLS')],
      },
    ]);
    expect(named(checks, 'schema maint')).toMatchObject([{ status: 'warn' }]);
    expect(named(checks, 'zstd')).toMatchObject([{ status: 'warn' }]);
    expect(named(checks, 'flock')).toMatchObject([{ status: 'warn' }]);
    expect(named(checks, 'state directory')).toMatchObject([{ status: 'fail' }]);
    expect(named(checks, 'backup directory')).toMatchObject([{ status: 'fail' }]);
    expect(named(checks, 'channels')).toMatchObject([{ status: 'warn' }]);
    expect(ofStatus(checks, 'warn', 'unknown', 'fail').filter(({ fix }) => fix.length === 0)).toEqual([]);
  });

  test('is told the same as text, each problem with its fix, the worst last', async ({ database }) => {
    await database.query('CREATE TABLE invoices (id int)');
    const { role, url } = await makeRole(database);
    const world = makeWorld({ cwd: folder(), env: { DATABASE_URL: url } });
    expect(await main(['doctor'], world)).toBe(1);
    const [overview = '', problems = ''] = world.out().split('What to do');
    expect(overview).toMatch(/^✓ node /m);
    expect(overview).toMatch(/^✗ rights +tables/m);
    expect(problems.indexOf('! channels')).toBeLessThan(problems.indexOf('✗ rights: tables'));
    expect(problems).toContain(`    → GRANT SELECT ON TABLE public.invoices TO ${role};`);
    expect(problems.trimEnd().split('\n').at(-1)).toMatch(/^not ready to work: 1 problem, \d warnings in \d+ checks$/);
  });

  test('is mended by the statements that it is told', async ({ database }) => {
    await database.query('CREATE SCHEMA "Closed"; CREATE TABLE "Closed".things (id serial)');
    await database.query('CREATE TABLE invoices (id int)');
    await database.query('CREATE TABLE secrets (id int); ALTER TABLE secrets ENABLE ROW LEVEL SECURITY');
    await database.query('SELECT lo_create(4711)');
    for (let number = 1; number <= 12; number += 1) await database.query(`CREATE TABLE "Closed".t${number} (id int)`);
    const { url } = await makeRole(database);
    const rights = async (): Promise<readonly Check[]> => {
      const { checks } = await examine(makeWorld({ cwd: folder(), env: { DATABASE_URL: url } }));
      return checks.filter(({ section }) => section === 'rights');
    };
    const before = await rights();
    expect(before.map(({ name }) => name)).toEqual([
      'schemas',
      'tables',
      'sequences',
      'row-level security',
      'large objects',
      'schema maint',
    ]);
    await expect(dump(url)).rejects.toThrow(/permission denied/);

    const statements = before.flatMap(({ fix }) => fix).filter((line) => /^(GRANT|ALTER|SELECT)/.test(line));
    expect(statements.some((line) => line.includes('ALL TABLES IN SCHEMA "Closed"'))).toBe(true);
    for (const line of statements) await apply(line, database);

    expect((await rights()).map(({ name, status }) => [name, status])).toEqual([
      ['reading', 'ok'],
      ['schema maint', 'ok'],
    ]);
    await dump(url);
    await lease(url);
  });

  test('is told what the role lacks on the tables of the schema maint', async ({ database, session }) => {
    const { url } = await makeRole(database);
    const request = { name: 'app', holder: 'h', run: '00000000-0000-4000-8000-000000000000', onLost: () => undefined };
    await (await takeLease({ ...request, database: session }))?.[Symbol.asyncDispose]();
    const look = async (): Promise<Check | undefined> =>
      named((await examine(makeWorld({ cwd: folder(), env: { DATABASE_URL: url } }))).checks, 'schema maint')[0];
    const before = await look();
    expect(before).toMatchObject({
      status: 'warn',
      summary: expect.stringMatching(/may not use maint\.lease, maint\.slot: .*kept apart.*falls silent/),
    });
    const [use = '', make = ''] = before?.fix ?? [];
    await apply(use, database);
    expect(await look(), 'a role that may make nothing gets no watch of the hosts over each other').toMatchObject({
      status: 'warn',
      summary: expect.stringMatching(/may not make maint\.heartbeat: no host notices when another one falls silent$/),
    });
    await beat({ database: session, project: 'app', host: 'other' });
    const closed = await look();
    expect(closed?.summary).toContain('may not use maint.heartbeat: no host');
    await apply(closed?.fix[0] ?? '', database);
    expect((await look())?.status).toBe('ok');
    const connection = parseConnection(new Secret(url));
    await using own = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'maint/test' });
    expect(await beat({ database: own, project: 'app', host: 'here' })).toMatchObject([{ host: 'other' }]);
    expect(make, 'the schema is there, so nobody has to be able to make one').toMatch(
      /^GRANT USAGE, CREATE ON SCHEMA maint TO \S+;$/,
    );
    await lease(url);
  });

  test('is told of the hosts that watch each other, as far as they live and the role may know', async ({
    database,
    session,
  }) => {
    const { role, url } = await makeRole(database);
    const cwd = folder();
    writeFileSync(join(cwd, 'maint.yaml'), JSON.stringify({ name: 'app', database: { url } }), { mode: 0o600 });
    const watch = async (): Promise<string> =>
      named((await examine(makeWorld({ cwd }))).checks, 'watch over alerts')[0]?.summary ?? '';
    const off = /; off: .*another host/;
    expect(await watch(), 'there is no table').toMatch(off);
    for (const host of ['a', 'b']) await beat({ database: session, project: 'app', host });
    expect(await watch(), 'the role may not look').toMatch(off);
    await database.query(`GRANT USAGE ON SCHEMA maint TO ${role}; GRANT SELECT ON maint.heartbeat TO ${role}`);
    expect(await watch()).toMatch(/over alerting itself: .*another host/);
    await database.query(`UPDATE maint.heartbeat SET at = now() - interval '16 minutes' WHERE host = 'b'`);
    expect(await watch(), 'one has fallen silent').toMatch(off);
    await database.query(`UPDATE maint.heartbeat SET project = 'other', at = now() WHERE host = 'b'`);
    expect(await watch(), 'it looks after another project').toMatch(off);
  });

  test('does not read the tables of an extension, which are no part of a dump', async ({ database }) => {
    await database.query('CREATE TABLE belongs (id int)');
    await database.query(`INSERT INTO pg_depend SELECT 'pg_class'::regclass, 'belongs'::regclass, 0,
      'pg_extension'::regclass, oid, 0, 'e' FROM pg_extension WHERE extname = 'plpgsql'`);
    const { url } = await makeRole(database);
    const { checks } = await examine(makeWorld({ cwd: folder(), env: { DATABASE_URL: url } }));
    expect(named(checks, 'reading')).toMatchObject([{ status: 'ok', summary: expect.stringContaining('0 tables') }]);
  });

  test('is told what is wrong with the keys of its backups, and never a secret one', async ({ database }) => {
    const [ops, breakGlass] = [await makeKeyPair(), await makeKeyPair()];
    const keys = async (encryption: object, tasks: object = {}): Promise<readonly (readonly string[])[]> => {
      const cwd = folder();
      writeFileSync(join(cwd, 'maint.json'), JSON.stringify({ backups: { encryption }, tasks }));
      const { checks } = await examine(makeWorld({ cwd, env: { DATABASE_URL: database.url } }));
      expect(JSON.stringify(checks)).not.toContain(ops.identity.reveal());
      const about = checks.filter(({ section, name }) => section === 'encryption' || name.startsWith('backups'));
      expect(about.every(({ status, fix }) => status === 'ok' || fix.length > 0)).toBe(true);
      return about.map(({ name, status, summary }) => [name, status, summary]);
    };
    const [opsKey, both] = [ops.identity.reveal(), [ops.recipient, breakGlass.recipient]];
    const withoutReaders = { 'verify-backup': { enabled: false }, 'restore-test': { enabled: false } };

    expect(await keys({})).toEqual([]);
    expect(await keys({ recipients: both }, withoutReaders)).toEqual([
      ['recipients', 'ok', `2 keys: ${both.join(', ')}`],
      ['key', 'ok', 'none here, and nothing that needs one'],
    ]);
    expect(await keys({ recipients: both })).toContainEqual([
      'key',
      'warn',
      expect.stringContaining('verify-backup and restore-test cannot read them'),
    ]);
    expect(await keys({ recipients: [ops.recipient, ops.recipient] }, withoutReaders)).toContainEqual([
      'recipients',
      'warn',
      expect.stringContaining('when it is lost, so is every backup'),
    ]);
    expect(await keys({ recipients: both, identity: opsKey })).toContainEqual([
      'key',
      'warn',
      expect.stringContaining('on the very host that takes them'),
    ]);
    expect(await keys({ recipients: both, identity: opsKey }, { backup: { enabled: false } })).toContainEqual([
      'key',
      'ok',
      'opens what is encrypted to 1 recipient',
    ]);
    expect(await keys({ recipients: [breakGlass.recipient], identity: opsKey })).toContainEqual([
      'key',
      'warn',
      expect.stringContaining('belongs to none of the recipients'),
    ]);
    expect(await keys({ identity: opsKey })).toEqual([
      ['recipients', 'warn', expect.stringContaining('not encrypted')],
    ]);
    expect(await keys({ recipients: both, identity: 'hunter2' })).toContainEqual([
      'key',
      'fail',
      'line 1 of the identity is no secret key of age',
    ]);
    expect(await keys({ recipients: [ops.recipient, opsKey] }, withoutReaders)).toContainEqual([
      'backups.encryption.recipients[1]',
      'fail',
      expect.stringContaining('is a secret key, which belongs into no configuration'),
    ]);
  });

  test.for([
    ['no server', (cwd: string) => `postgres://app@/app?host=${cwd}`, /DATABASE_UNREACHABLE/],
    ['no such role', () => clusterUrl('postgres', 'nobody_of_that_name'), /DATABASE_LOGIN_REFUSED/],
    ['no such database', () => clusterUrl('no_database_of_that_name'), /DATABASE_NOT_FOUND/],
  ] as const)('with %s is still looked at in every other part', async ([, url, code]) => {
    const cwd = folder();
    const { exitCode, checks } = await examine(makeWorld({ cwd, env: { DATABASE_URL: url(cwd) } }));
    expect(exitCode).toBe(1);
    expect(named(checks, 'server')).toMatchObject([{ status: 'fail', summary: expect.stringMatching(code) }]);
    expect(named(checks, 'reading')).toMatchObject([{ status: 'unknown' }]);
    expect(checks.map(({ section }) => section)).toEqual(
      expect.arrayContaining(['programs', 'directories', 'channels', 'schedule']),
    );
  });

  test('without any database named is a wrong configuration', async () => {
    const { exitCode, checks } = await examine(makeWorld({ cwd: folder() }));
    expect(exitCode).toBe(2);
    expect(ofStatus(checks, 'fail')).toMatchObject([{ section: 'configuration', name: 'database' }]);
    expect(named(checks, 'server')).toMatchObject([{ status: 'unknown' }]);
    expect(named(checks, 'pg_dump')).toHaveLength(1);
  });

  test('whose named file is missing is looked at by its defaults', async ({ database }) => {
    const world = makeWorld({ cwd: folder(), env: { DATABASE_URL: database.url } });
    const { exitCode, checks } = await examine(world, '--config', 'nowhere.yaml');
    expect(exitCode).toBe(2);
    expect(ofStatus(checks, 'fail')).toMatchObject([{ summary: expect.stringContaining('nowhere.yaml') }]);
    expect(named(checks, 'server')).toMatchObject([{ status: 'ok' }]);
  });

  test('whose database URL is wrong is not looked at through another one', async ({ database }) => {
    const cwd = folder();
    writeFileSync(join(cwd, 'maint.yaml'), 'database: { url: "mysql://db1/app" }\n');
    const { exitCode, checks } = await examine(makeWorld({ cwd, env: { DATABASE_URL: database.url } }));
    expect(exitCode).toBe(2);
    expect(named(checks, 'server')).toMatchObject([{ status: 'unknown' }]);
  });

  test('of which a part cannot be found out is no failure and no success', async ({ database }) => {
    const cwd = folder();
    writeFileSync(join(cwd, 'maint.yaml'), 'database: { lockTimeout: 50ms }\n');
    const { host, port, user, database: name } = database.connection;
    const locker = new Client({ host, port, user, database: name });
    await locker.connect();
    try {
      await locker.query('BEGIN; LOCK TABLE pg_largeobject_metadata IN ACCESS EXCLUSIVE MODE');
      const { exitCode, verdict, checks } = await examine(makeWorld({ cwd, env: { DATABASE_URL: database.url } }));
      expect({ exitCode, verdict }).toEqual({ exitCode: 4, verdict: 'unknown' });
      expect(named(checks, 'reading')).toMatchObject([{ status: 'unknown', summary: expect.stringMatching(/LOCK_/) }]);
      expect(named(checks, 'schema maint')).toMatchObject([{ status: 'ok' }]);
    } finally {
      await locker.end();
    }
  });
});

describe('directories', () => {
  const look = async (cwd: string, backups: string, url: string): Promise<readonly Check[]> => {
    writeFileSync(join(cwd, 'maint.json'), JSON.stringify({ tasks: { backup: { directory: backups } } }));
    const { checks } = await examine(makeWorld({ cwd, env: { DATABASE_URL: url } }));
    return checks.filter(({ name }) => name.startsWith('backup'));
  };

  test('that are open to others are a warning', async ({ database }) => {
    const cwd = folder();
    mkdirSync(join(cwd, 'backups'));
    chmodSync(join(cwd, 'backups'), 0o755);
    const [open] = await look(cwd, join(cwd, 'backups'), database.url);
    expect(open).toMatchObject({ status: 'warn', fix: [`chmod 700 ${join(cwd, 'backups')}`] });
  });

  test('that hold something else are no place for backups', async ({ database }) => {
    const cwd = folder();
    const backups = join(cwd, 'backups');
    mkdirSync(backups, { mode: 0o700 });
    writeFileSync(join(backups, 'thesis.doc'), '');
    expect(ofStatus(await look(cwd, backups, database.url), 'fail')).toMatchObject([
      { summary: expect.stringContaining('holds no backups of maint') },
    ]);
  });

  test('on the disk of the database are a warning', async ({ database }) => {
    const cwd = folder();
    const checks = await look(cwd, join(cwd, 'backups'), database.url);
    expect(named(checks, 'backup disk')).toMatchObject([
      { status: 'warn', summary: expect.stringContaining('same disk') },
    ]);
  });
});

/** A crontab of the test's own: that of the machine belongs to everybody. */
function crontabOf(line: string): { readonly PATH: string } {
  const crontab = `#!/bin/sh\ncat <<'END'\n${line}\nEND\n`;
  return { PATH: `${searchPath([], { crontab })}:${process.env['PATH'] ?? ''}` };
}

describe('the schedule', () => {
  test.for([
    ['17 3 * * * maint daily --cron', 'ok'],
    ['17 3 * * * /usr/bin/node "/opt/maint/bin/maint.js" --config /etc/maint.yaml daily --cron', 'ok'],
    ['# 17 3 * * * maint daily --cron', 'warn'],
    ['17 3 * * * echo daily', 'warn'],
    ['17 3 * * * maint tick --cron', 'warn'],
    ['17 3 * * * maint dailyreport', 'warn'],
  ] as const)('with the line %s is %s', async ([line, status]) => {
    const { checks } = await examine(makeWorld({ cwd: folder(), env: crontabOf(line) }));
    expect(named(checks, 'daily')).toMatchObject([{ status }]);
  });

  test('misses the tick, which makes up for what was missed', async () => {
    const { checks } = await examine(makeWorld({ cwd: folder(), env: crontabOf('') }));
    expect(named(checks, 'tick')).toMatchObject([
      { status: 'warn', fix: [expect.any(String), expect.stringContaining('*/5')] },
    ]);
  });

  test('names the line to add, with the time and the file of the configuration', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'maint.yaml'), 'schedule: { daily: "5 2 * * *" }\n');
    const program = { nodePath: '/n/node', scriptPath: '/s 1/maint.js' };
    const { checks } = await examine(makeWorld({ cwd, env: crontabOf(''), process: program }));
    expect(named(checks, 'daily')[0]?.fix).toContain(`maint cron install --config ${join(cwd, 'maint.yaml')}`);
    expect(named(checks, 'daily')[0]?.fix).toContain(
      `crontab -e, and add: 5 2 * * * /n/node '/s 1/maint.js' daily --cron --config ${join(cwd, 'maint.yaml')}`,
    );
  });
});

describe('Node.js', () => {
  test('in a place that the next upgrade takes away is a warning', async () => {
    const nodePath = '/home/me/.nvm/versions/node/v24.1.0/bin/node';
    const { checks } = await examine(makeWorld({ cwd: folder(), process: { nodePath } }));
    expect(named(checks, 'place')).toMatchObject([{ status: 'warn', summary: expect.stringContaining(nodePath) }]);
  });

  test.for([
    ['22.17.9', 'fail'],
    ['22.18.0', 'ok'],
    ['24.0.0', 'ok'],
    ['20.99.0', 'fail'],
  ] as const)('%s is %s', async ([nodeVersion, status]) => {
    const { checks } = await examine(makeWorld({ cwd: folder(), process: { nodeVersion } }));
    expect(named(checks, 'Node.js')).toMatchObject([{ status }]);
  });
});

describe('a server', () => {
  const facts = { major: 15, versionNumber: 150_018, isStandby: false, isPooled: false, connectMs: 1 };
  const statuses = (differences: Partial<typeof facts>): readonly string[] =>
    judgeServer({ ...facts, ...differences }).map(({ name, status }) => `${name} ${status}`);

  test('is supported from 12 to 18', () => {
    expect(statuses({ major: 11 })).toEqual(['version fail']);
    expect(statuses({ major: 12 })).toEqual(['version ok']);
    expect(statuses({ major: 18 })).toEqual(['version ok']);
    expect(statuses({ major: 19 })).toEqual(['version warn']);
  });

  test('that is a standby is a warning', () => {
    expect(statuses({ isStandby: true })).toContain('standby warn');
  });

  test('behind a pooler is known by it', async ({ database }) => {
    const port = await startPooler();
    const url = `postgres://postgres@127.0.0.1:${port}/${database.name}`;
    const { checks } = await examine(makeWorld({ cwd: folder(), env: { DATABASE_URL: url } }));
    expect(named(checks, 'pooler')).toMatchObject([{ status: 'warn' }]);
  });
});

test('secrets are printed nowhere', async ({ database }) => {
  const cwd = folder();
  writeFileSync(
    join(cwd, 'maint.yaml'),
    [
      'database: { url: "${DATABASE_URL}" }',
      'alerts: { channels: [{ name: ops, type: slack, url: "https://hooks.example.com/T0PS3CRET" },',
      '  { name: bad, type: webhook, url: "T0PS3CRET" }] }',
      'heartbeat: { url: "https://ping.example.com/T0PS3CRET" }',
    ].join('\n'),
  );
  for (const host of [inject('socketDirectory'), cwd]) {
    const url = `postgres://postgres:T0PS3CRET@/${database.name}?host=${host}`;
    for (const format of ['--json', '--no-color']) {
      const world = makeWorld({ cwd, env: { DATABASE_URL: url } });
      await main(['doctor', format], world);
      expect(world.out() + world.err()).not.toContain('T0PS3CRET');
    }
  }
});

/** Runs what the doctor said, as a person with psql would. */
async function apply(line: string, database: TestDatabase): Promise<void> {
  if (!line.endsWith(String.raw`\gexec`)) return void (await database.query(line));
  for (const row of await database.query<{ format: string }>(line.replace(String.raw`\gexec`, '')))
    await database.query(row.format);
}

async function dump(url: string): Promise<void> {
  const connection = parseConnection(new Secret(url));
  const clients = clientPrograms([], process.env['PATH'], libpqEnvironment(connection));
  const { path } = await clients.find('pg_dump', undefined);
  await runProgram({
    file: path,
    args: ['-Fc', '-f', join(folder(), 'dump')],
    env: clients.environment,
    timeoutMs: 30_000,
  });
}

async function lease(url: string): Promise<void> {
  const connection = parseConnection(new Secret(url));
  await using database = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'maint/test' });
  const run = '11111111-0000-4000-8000-000000000000';
  await using taken = await takeLease({ database, name: 'other', holder: 'h', run, onLost: () => undefined });
  expect(taken?.fence).toBe(1);
}

function portOf(address: string | AddressInfo | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** As PgBouncer does, it announces a key of its own in place of the server's process id. */
async function startPooler(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const backend = connect(join(inject('socketDirectory'), '.s.PGSQL.5432'));
    for (const socket of [client, backend]) sockets.add(socket.on('error', () => undefined));
    client.pipe(backend);
    backend.on('data', (data) => {
      const at = data.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
      if (at >= 0) data.writeInt32BE(77, at + 5);
      client.write(data);
    });
    backend.on('end', () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server.address());
}
