import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { keyFile } from '../support/age.ts';
import { eventually, openApp } from '../support/client.ts';
import { queryOnce } from '../support/database.ts';
import { flat, MAINT } from '../support/maint.ts';
import { descendants, until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

/** May this user have a network of its own, with nobody in it? */
const mayLeaveTheNetwork = spawnSync('unshare', ['--net', 'true']).status === 0;
/** May this user mount a small disk in a namespace of its own? */
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const hasStrace = spawnSync('strace', ['--version']).error === undefined;

const schema = z.fromJSONSchema(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../config/report.schema.json'), 'utf8')),
);

/** Everything below a folder, with its mode. */
function modesBelow(folder: string): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { mode } = statSync(join(folder, name));
    return [name, (mode & 0o777).toString(8)] as const;
  });
  return Object.fromEntries(entries);
}

/** Roles and a folder of the application go into the backup too. */
function withCompanions(site: Site): void {
  const uploads = join(site.folder, 'uploads');
  mkdirSync(join(uploads, 'deep'), { recursive: true });
  writeFileSync(join(uploads, 'a.txt'), 'first');
  writeFileSync(join(uploads, 'deep/b.bin'), Buffer.alloc(100_000, 7));
  const backups = { directory: join(site.folder, 'backups'), files: [{ name: 'uploads', directory: uploads }] };
  site.configure({ backups });
}

test('what a backup leaves on the disk is whole by sha256sum, private, and nothing else', async ({ site }) => {
  await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 2000) g');
  withCompanions(site);
  const end = await site.run('backup', '--json');
  expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  const [id = ''] = site.visible();
  expect(site.hidden()).toEqual([]);
  const folder = join(site.backups, id);
  const names = readdirSync(folder);
  expect(names).toEqual(expect.arrayContaining(['manifest.json', 'RESTORE.md', 'SHA256SUMS', 'globals.sql.zst']));
  expect(names.filter((name) => name.startsWith('files-uploads'))).not.toEqual([]);
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder });
  const summed = readFileSync(join(folder, 'SHA256SUMS'), 'utf8')
    .split('\n')
    .flatMap((line) => line.split('  ')[1] ?? []);
  expect(summed.toSorted()).toEqual(names.filter((name) => name !== 'SHA256SUMS').toSorted());
  for (const [name, mode] of Object.entries(modesBelow(join(site.folder, 'backups'))))
    expect(mode, name).toBe(statSync(join(site.folder, 'backups', name)).isDirectory() ? '700' : '600');
});

const TAKEN = 20;
/** Rows for each table at once. */
const BATCH = 21;

test('each of twenty backups holds exactly the rows that its manifest counts, while a writer adds 200 a second', async ({
  site,
}) => {
  const { database } = site;
  site.configure({ tasks: { backup: { keep: { last: TAKEN } } }, alerts: {} });
  for (const name of ['orders', 'lines', 'events'])
    await database.query(`CREATE TABLE ${name} (id serial, at timestamptz)`);
  let written = 0;
  let seconds = 0;
  const over = new AbortController();
  const writing = (async () => {
    const startedAt = performance.now();
    while (!over.signal.aborted) {
      // Three tables in one transaction, so that a torn snapshot would show.
      const rows = `(at) SELECT now() FROM generate_series(1, ${BATCH})`;
      await queryOnce(
        database.url,
        `INSERT INTO orders ${rows}; INSERT INTO lines ${rows}; INSERT INTO events ${rows}`,
      );
      written += 3 * BATCH;
      seconds = (performance.now() - startedAt) / 1_000;
      // A connection may take its time, and the next batch makes up for it.
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, (written / 210 - seconds) * 1_000)));
    }
  })();
  await until('there is something to back up', () => written > 0);
  for (let taken = 0; taken < TAKEN; taken += 1) expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
  over.abort();
  await writing;
  expect(written / seconds, 'rows a second').toBeGreaterThan(200);
  const counts: number[] = [];
  for (const id of site.visible()) {
    const folder = join(site.backups, id);
    const { tables } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    const script = execFileSync('sh', ['-c', 'zstd -dc data.dump.zst | pg_restore -a -f -'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const inDump = Object.fromEntries(
      [...script.matchAll(/^COPY (\S+) [^\n]*;\n(.*?)^\\\.$/gms)].map(([, name = '', rows = '']) => [
        name,
        { rows: rows.split('\n').length - 1 },
      ]),
    );
    for (const [name, counted] of Object.entries(inDump)) expect(tables[name], `${id} ${name}`).toMatchObject(counted);
    expect(Object.keys(inDump).toSorted()).toEqual(Object.keys(tables).toSorted());
    expect(inDump['public.orders']).toEqual(inDump['public.events']);
    counts.push(inDump['public.orders']?.rows ?? 0);
  }
  expect(counts).toHaveLength(TAKEN);
  expect(new Set(counts).size, 'the writer was at work').toBe(TAKEN);
}, 180_000);

test('a migration that waits for the dump is in the log within ten seconds of the time that it may wait', async ({
  site,
}) => {
  await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 50000) g');
  site.configure({ tasks: { backup: { yield: { after: '1s' } } }, alerts: {} });
  // Nobody reads what pg_dump writes, so it stands still with all its locks.
  const gate = join(site.folder, 'gate');
  site.shadow('zstd', `until [ -e '${gate}' ]; do sleep 0.1; done\nexec /usr/bin/zstd "$@"`);
  const running = site.start('backup');
  await eventually('pg_dump copies', async () => {
    const found = await site.database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'`,
    );
    return found.length > 0;
  });
  await using migration = await openApp(site.database.url, 'migrate');
  const altering = migration.query('ALTER TABLE users ADD COLUMN token text');
  const startedAt = performance.now();
  await until('the log tells', () => readFileSync(join(site.state, 'maint.log'), 'utf8').includes('ALTER TABLE users'));
  expect(performance.now() - startedAt).toBeLessThan(11_000);
  expect(site.visible(), 'the backup is still at work').toEqual([]);
  writeFileSync(gate, '');
  expect((await running.ended).exitCode).toBe(0);
  await altering;
});

describe('verify-backup', () => {
  test('reads a backup, encrypted or not, without server, network or a place for temporary files', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT g AS id, md5(g::text) FROM generate_series(1, 20000) g');
    const keys = await makeKeyPair();
    const identity = join(site.folder, 'key.txt');
    writeFileSync(identity, keyFile(keys).reveal(), { mode: 0o600 });
    expect((await site.run('backup')).exitCode).toBe(0);
    const directory = join(site.folder, 'backups');
    const encryption = { recipients: [keys.recipient], identity: { file: identity } };
    site.configure({ backups: { directory, encryption } });
    expect((await site.run('backup')).exitCode).toBe(0);

    const nowhere = join(site.folder, 'no-temporary-files');
    mkdirSync(nowhere);
    chmodSync(nowhere, 0o500);
    const trace = join(site.folder, 'trace');
    const env = {
      ...site.env,
      DATABASE_URL: 'postgres://nobody@/app?host=/nonexistent',
      PGHOST: '/nonexistent',
      TMPDIR: nowhere,
      HOME: '/nonexistent',
      NODE_DISABLE_COMPILE_CACHE: '1',
    };
    const words = [
      ...(mayLeaveTheNetwork ? ['unshare', '--net'] : ['env']),
      ...(hasStrace ? ['strace', '-f', '-qq', '-e', 'trace=open,openat,creat,mkdir,mkdirat', '-o', trace] : []),
    ];
    const [program, ...args] = [...words, process.execPath, MAINT, 'verify-backup', '--all', '--json'];
    const before = Object.keys(modesBelow(directory));
    const end = spawnSync(program, [...args, '--config', site.configFile], { cwd: site.folder, env, encoding: 'utf8' });
    expect(end.status, end.stdout + end.stderr).toBe(0);
    expect(end.stdout).toMatch(/20,00\d rows/);
    expect(readdirSync(nowhere)).toEqual([]);
    // Receipts are evidence, not temporary.
    const after = Object.keys(modesBelow(directory)).filter((name) => !name.startsWith('receipts'));
    expect(after).toEqual(before.filter((name) => !name.startsWith('receipts')));
    if (!hasStrace) return;
    const written = writtenIn(readFileSync(trace, 'utf8'));
    const isKept = (path: string): boolean => path.startsWith(site.state) || path.includes('/backups/receipts');
    expect(written.filter(isKept)).not.toEqual([]);
    expect(written.filter((path) => !isKept(path) && !/^\/(dev|proc)\//.test(path))).toEqual([]);
  });
});

/** What a traced run made, or opened for writing. */
function writtenIn(trace: string): readonly string[] {
  return [...trace.matchAll(/\b(open|openat|creat|mkdir|mkdirat)\((?:AT_FDCWD, )?"([^"]*)"(.*)$/gm)]
    .filter(([, call = '', , rest = '']) => !rest.includes(' = -1 ') && (/^(cr|mk)/.test(call) || isForWriting(rest)))
    .map(([, , path = '']) => path);
}

function isForWriting(flags: string): boolean {
  return /O_WRONLY|O_RDWR|O_CREAT/.test(flags);
}

test('a backup that stays away for two days is told by every exit code that is asked, and by the ping', async ({
  site,
}) => {
  await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
  const backups = { directory: join(site.folder, 'backups'), rules: { maxAge: '26h' } };
  site.configure({ backups, heartbeat: { url: site.receiver.pingUrl }, alerts: {} });
  expect((await site.run('daily', '--cron')).exitCode).toBe(0);
  const asked = async (): Promise<readonly (number | null)[]> => [
    (await site.run('verify-backup', '--max-age', '26h')).exitCode,
    (await site.run('backups', 'status')).exitCode,
  ];
  expect(await asked()).toEqual([0, 0]);
  site.env['NODE_OPTIONS'] = `--import=${join(import.meta.dirname, '../support/two-days-later.js')}`;
  expect(await asked()).toEqual([1, 1]);
  expect((await site.run('backups', 'status')).stdout).toContain('backup.stale');
  site.env['DATABASE_URL'] = 'postgres://postgres@127.0.0.1:1/app';
  expect((await site.run('daily', '--cron')).exitCode).toBe(1);
  const pings = site.receiver.requests.map(({ path }) => path.split('/').at(-1));
  expect(pings, 'exit codes of the two scheduled runs').toEqual(['start', '0', 'start', '1']);
});

test.runIf(mayMount)('a disk that is full leaves the older backup as it was, and says so', async ({ site }) => {
  await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
  const directory = join(site.folder, 'backups');
  mkdirSync(directory);
  // Whoever waits for a program below hears no alert.
  site.configure({ alerts: {} });
  const script = `
    mount -t tmpfs -o size=8m tmpfs "$DIRECTORY"
    "$@" backup --config "$CONFIG" >/dev/null; echo "first $?"
    psql -qX "$DATABASE_URL" -c "CREATE TABLE noise AS SELECT md5(random()::text) AS a, md5(random()::text) AS b FROM generate_series(1, 400000)"
    "$@" backup --config "$CONFIG"; echo "second $?"
    "$@" verify-backup --config "$CONFIG" >/dev/null; echo "verify $?"
    ls -A "$DIRECTORY/app" | wc -l`;
  const end = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', process.execPath, MAINT], {
    env: { ...site.env, HOME: site.folder, DIRECTORY: directory, CONFIG: site.configFile },
    encoding: 'utf8',
  });
  expect(end.stdout).toContain('first 0');
  expect(end.stdout).toMatch(/^second 1$/m);
  expect(flat(end.stdout)).toContain('NO_SPACE');
  expect(end.stdout).toMatch(/^verify 0\n1$/m);
});

describe('the document that --json prints', () => {
  test('is all there is on stdout and fits the shipped schema, however the run ends', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    withCompanions(site);
    const documentOf = async (exitCode: number, ...args: readonly string[]): Promise<void> => {
      const end = await site.run(...args, '--json');
      expect(end.exitCode, args.join(' ') + end.stderr).toBe(exitCode);
      expect(schema.safeParse(JSON.parse(end.stdout)).error, args.join(' ')).toBeUndefined();
    };
    await documentOf(0, 'daily', '--dry-run');
    await documentOf(0, 'daily');
    await documentOf(0, 'verify-backup', '--max-age', '1 day');
    await documentOf(1, 'verify-backup', '--max-age', '1 ms');
    const dump = join(site.backups, site.visible()[0] ?? '', 'data.dump.zst');
    writeFileSync(dump, readFileSync(dump).subarray(0, -1));
    await documentOf(1, 'verify-backup');
    site.shadow('zstd', 'case "$*" in *-d*) ;; *) sleep 20 ;; esac\nexec /usr/bin/zstd "$@"');
    const running = site.start('backup', '--json');
    await until('it dumps', () =>
      descendants(running.child.pid ?? 0).some(({ commandLine }) => /pg_dump -/.test(commandLine)),
    );
    running.child.kill('SIGTERM');
    const stopped = await running.ended;
    expect(stopped.exitCode).toBe(143);
    expect(schema.safeParse(JSON.parse(stopped.stdout)).error).toBeUndefined();
    site.env['DATABASE_URL'] = 'postgres://postgres@127.0.0.1:1/app';
    await documentOf(1, 'daily');
    await documentOf(4, 'backup');
  });

  test('is not begun where nothing was: the reason stands on stderr', async ({ site }) => {
    site.configure({ bakups: {} });
    const end = await site.run('backup', '--json');
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(JSON.parse(end.stderr)).toMatchObject({ error: { code: 'CONFIG_INVALID', exitCode: 2 } });
    expect(flat(end.stderr)).toContain('bakups');
  });
});
