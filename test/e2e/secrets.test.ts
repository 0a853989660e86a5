import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { startCluster } from '../../src/adapters/cluster.ts';
import { keyFile } from '../support/age.ts';
import { queryOnce } from '../support/database.ts';
import { descendants, processes } from '../support/process-table.ts';
import { runMaint } from '../support/maint.ts';
import { test, type Site } from '../support/site.ts';
import { copyIn, s3Server, shellCopy } from '../support/stores.ts';

const PASSWORD = 'pa55w0rd-planted-in-the-url';
const TOKEN = 'token-planted-in-the-webhook';
const KEY = `whsec_${Buffer.from('signing-key-planted-in-the-config').toString('base64')}`;
const PLANTED = [PASSWORD, TOKEN, KEY, KEY.slice(6)];

/** Runs maint and looks at every command line on the machine again and again until it ends. */
async function watched(
  site: Site,
  ...args: readonly string[]
): Promise<{ readonly output: string; readonly commandLines: string }> {
  const seen = new Set<string>();
  const look = setInterval(() => {
    for (const { commandLine } of processes()) seen.add(commandLine);
  }, 3);
  const { stdout, stderr } = await site.start(...args).ended;
  clearInterval(look);
  return { output: stdout + stderr, commandLines: [...seen].join('\n') };
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a planted secret', () => {
  test('is found nowhere: argv, log, journal, report, alert, backup', async ({ site }) => {
    await using cluster = await startCluster({
      binDirectory: inject('binDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
    });
    await queryOnce(cluster.url('postgres'), `CREATE ROLE app LOGIN SUPERUSER PASSWORD '${PASSWORD}'`);
    await queryOnce(cluster.url('postgres'), 'CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 50000) g');
    site.env['DATABASE_URL'] =
      `postgres://app:${PASSWORD}@/postgres?host=${cluster.socketDirectory}&port=${cluster.port}`;
    site.env['HOOK_URL'] = `${site.receiver.webhookUrl}?token=${TOKEN}`;
    site.configure({
      log: { level: 'trace' },
      alerts: { channels: [{ name: 'hook', type: 'webhook', url: '${HOOK_URL}', signingKey: KEY }] },
    });

    const good = await watched(site, 'daily', '-v');
    expect(good.output).toContain('read back');
    expect(good.commandLines).toContain('pg_dump');
    const shown = await site.run('config', 'print');
    const doctor = await site.run('doctor');
    await cluster.stop();
    const bad = await watched(site, 'daily', '-v');
    const json = await site.run('daily', '--json');
    site.env['HOOK_URL'] = `http://127.0.0.1:1/hook?token=${TOKEN}`;
    const undelivered = await site.run('alert', 'test');

    const places: Readonly<Record<string, string>> = {
      argv: good.commandLines + bad.commandLines,
      'report and diary': good.output + bad.output + json.stdout + json.stderr,
      'config print': shown.stdout + shown.stderr,
      doctor: doctor.stdout + doctor.stderr,
      'alert test': undelivered.stdout + undelivered.stderr,
      alerts: site.receiver.requests.map(({ body }) => body).join('\n'),
    };
    expect(site.receiver.requests.length).toBeGreaterThan(0);
    for (const [place, text] of Object.entries(places))
      for (const secret of PLANTED) expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
    for (const file of filesBelow(site.folder).filter((name) => name !== site.configFile)) {
      const bytes = readFileSync(file);
      for (const secret of PLANTED) expect(bytes.includes(secret), `${secret} in ${file}`).toBe(false);
    }
  });

  test('of a copy, a key or a password that comes from a file reaches only the programs that it is for', async ({
    site,
  }) => {
    await using cluster = await startCluster({
      binDirectory: inject('binDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
    });
    await queryOnce(cluster.url('postgres'), `CREATE ROLE app LOGIN SUPERUSER PASSWORD '${PASSWORD}'`);
    await queryOnce(cluster.url('postgres'), 'CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 50000) g');
    const cloud = await s3Server();
    const keys = await makeKeyPair();
    const planted = {
      url: `postgres://app:${PASSWORD}@/postgres?host=${cluster.socketDirectory}&port=${cluster.port}`,
      cloud: cloud.owner.secretAccessKey,
      shell: 'planted-for-the-commands',
      identity: keyFile(keys).reveal(),
    };
    const file = (name: keyof typeof planted): { readonly file: string } => {
      const path = join(site.folder, `secret-${name}`);
      writeFileSync(path, planted[name], { mode: 0o600 });
      return { file: path };
    };
    const shelf = join(site.folder, 'shell');
    mkdirSync(shelf);
    const copies = [
      copyIn(cloud, { secretAccessKey: file('cloud') }),
      shellCopy(shelf, { env: { SHELF_TOKEN: file('shell') } }),
    ];
    const encryption = { recipients: [keys.recipient], identity: file('identity') };
    delete site.env['DATABASE_URL'];
    site.configure({
      database: { url: file('url'), connectTimeout: '3s' },
      backups: { directory: join(site.folder, 'backups'), encryption, copies },
      log: { level: 'trace' },
    });

    const runs = [
      await observed(site, 'backup', '-v', '--json'),
      await observed(site, 'verify-backup', '--copy', 'cloud'),
      await observed(site, 'verify-backup', '--copy', 'shell'),
      await observed(site, 'restore-test', '--copy', 'shell'),
    ];
    for (const { exitCode, said } of runs) expect(exitCode, said).toBe(0);
    cloud.fault({ operation: 'GetObject', effect: { status: 403, code: 'AccessDenied' } });
    writeFileSync(join(site.folder, 'secret-identity'), keyFile(await makeKeyPair()).reveal());
    runs.push(
      await observed(site, 'verify-backup', '--copy', 'cloud', '--json'),
      await observed(site, 'verify-backup', '--copy', 'shell', '-v'),
    );
    const secrets = [PASSWORD, planted.cloud, planted.shell, keys.identity.reveal()];
    const seen = runs.flatMap((run) => run.seen);
    for (const secret of secrets) {
      for (const { said } of runs) expect(said, 'report, diary and errors').not.toContain(secret);
      for (const { commandLine } of seen) expect(commandLine).not.toContain(secret);
    }
    const holders = (secret: string): readonly Seen[] => seen.filter(({ environment }) => environment.includes(secret));
    const isOfPostgres = ({ commandLine }: Seen): boolean => /\b(pg_\w+|psql)\b/.test(commandLine);
    expect(holders(PASSWORD).map(({ program }) => program)).toContain('pg_dump');
    // pg_dumpall asks pg_dump for its version through a shell.
    expect(holders(PASSWORD).filter((program) => !isOfPostgres(program))).toEqual([]);
    for (const secret of [planted.cloud, keys.identity.reveal()]) expect(holders(secret)).toEqual([]);
    const isOther = ({ program }: Seen): boolean => /^(node|zstd|postgres|initdb)/.test(program);
    expect(holders(planted.shell).filter((each) => isOther(each) || isOfPostgres(each))).toEqual([]);
    for (const path of filesBelow(site.folder).filter((name) => !basename(name).startsWith('secret-'))) {
      const bytes = readFileSync(path);
      for (const secret of secrets) expect(bytes.includes(secret), path).toBe(false);
    }
    for (const key of await cloud.keys()) {
      const bytes = await cloud.bytesOf(key);
      for (const secret of secrets) expect(bytes.includes(secret), key).toBe(false);
    }
  });
});

describe('the environment of maint', () => {
  test('reaches each program as far as it needs it: stock ones hardly, commands without secrets and the live database', async ({
    site,
  }) => {
    await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 50000) g');
    const shelf = join(site.folder, 'shelf');
    mkdirSync(shelf);
    Object.assign(site.env, { TZ: 'UTC', PGTZ: 'UTC', PGPASSWORD: PASSWORD, SOMEBODYS: TOKEN });
    site.configure({
      database: { url: '${DATABASE_URL}', connectTimeout: '3s' },
      backups: { directory: join(site.folder, 'backups'), copies: [shellCopy(shelf)] },
      tasks: { 'restore-test': { command: { run: ['sh', '-c', 'sleep 1; exit 0 # smoke'] } } },
    });
    const runs = [await observed(site, 'backup'), await observed(site, 'restore-test', '--copy', 'shell')];
    for (const { exitCode, said } of runs) expect(exitCode, said).toBe(0);
    const seen = runs.flatMap((run) => run.seen);
    const namesOf = (which: (each: Seen) => boolean): readonly string[] => {
      const found = seen.filter((each) => each.program !== 'node' && each.environment !== '' && which(each));
      const names = new Set(found.flatMap(({ environment }) => environment.match(/(?<=^|\0)\w+(?==)/g) ?? []));
      // What a shell or stdbuf on the way adds by itself.
      return [...names].filter((name) => !/^(PWD|OLDPWD|SHLVL|_|LD_PRELOAD|_STDBUF_[IO])$/.test(name)).toSorted();
    };
    const isCalled = (name: string) => (each: Seen) => each.program === name;
    expect(namesOf(isCalled('zstd'))).toEqual(['HOME', 'LC_ALL', 'PATH', 'TZ']);
    expect(namesOf(isCalled('initdb'))).toContain('PATH');
    expect(namesOf(isCalled('initdb')).filter((name) => !/^(HOME|LC_ALL|PATH|TZ)$/.test(name))).toEqual([]);
    const ofDump = namesOf(isCalled('pg_dump'));
    expect(ofDump).toEqual(expect.arrayContaining(['PGHOST', 'PGPASSWORD', 'PGTZ']));
    expect(ofDump.filter((name) => !/^(PG\w+|HOME|LC_ALL|PATH|TZ)$/.test(name))).toEqual([]);

    const secrets = /^(DATABASE_URL|HOOK_URL|SLACK_URL|PG\w+)$/;
    const ofCopy = namesOf(({ commandLine }) => commandLine.includes(`${shelf}/`));
    expect(ofCopy).toContain('SOMEBODYS');
    expect(ofCopy.filter((name) => secrets.test(name))).toEqual([]);
    const isSmoke = ({ commandLine }: Seen): boolean => commandLine.includes('# smoke');
    expect(namesOf(isSmoke)).toContain('SOMEBODYS');
    expect(namesOf(isSmoke).filter((name) => secrets.test(name))).toEqual(['DATABASE_URL']);
    for (const { environment } of seen.filter(isSmoke)) expect(environment).not.toContain(site.database.name);

    const job = ['exec', '--config', site.configFile, '--', 'printenv', 'SOMEBODYS', 'DATABASE_URL'];
    const { stdout } = await runMaint({ args: job, env: site.env, cwd: site.folder });
    expect(stdout, 'a job is as cron would start it').toBe(`${TOKEN}\n${site.database.url}\n`);
  });
});

interface Seen {
  readonly program: string;
  readonly commandLine: string;
  readonly environment: string;
}

/** Runs maint and looks at it and every program below it again and again. */
async function observed(
  site: Site,
  ...args: readonly string[]
): Promise<{ readonly exitCode: number | null; readonly said: string; readonly seen: readonly Seen[] }> {
  const seen = new Map<string, Seen>();
  const running = site.start(...args);
  const { pid = 0 } = running.child;
  const look = setInterval(() => {
    const own = processes().filter((each) => each.pid === pid);
    for (const { pid: id, commandLine } of [...own, ...descendants(pid)]) {
      const environment = partOf(id, 'environ');
      // Between the two it may have become another program.
      if (partOf(id, 'cmdline').replaceAll('\0', ' ').trim() !== commandLine) continue;
      const program = basename(commandLine.split(' ')[0] ?? '').replace(/:$/, '');
      seen.set(`${id} ${commandLine}`, { program, commandLine, environment });
    }
  }, 5);
  const { exitCode, stdout, stderr } = await running.ended;
  clearInterval(look);
  return { exitCode, said: stdout + stderr, seen: [...seen.values()] };
}

function partOf(pid: number, part: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${part}`, 'utf8');
  } catch {
    // It ended between the two looks.
    return '';
  }
}
