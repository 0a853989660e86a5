import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { MAINT, runMaint } from '../support/maint.ts';
import { test as withSite } from '../support/site.ts';

/** Some sixty runs of a task, on a machine that has other work too. */
const PATIENCE = { timeout: 300_000 };
const ROOT = join(import.meta.dirname, '../..');

const test = base.extend<{ folder: string }>({
  // oxlint-disable-next-line no-empty-pattern
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'maint-selftest-'));
    writeFileSync(join(folder, 'maint.yaml'), 'name: app\n');
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});

function scratchFolders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('maint-rt-'));
}

test(
  'every fault raises its alarm, the last line counts them, and nothing is left behind',
  PATIENCE,
  async ({ folder }) => {
    const before = scratchFolders();
    const end = await runMaint({ args: ['backups', 'selftest', '--config', 'maint.yaml'], cwd: folder });
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = end.stdout.trimEnd().split('\n');
    const [, raised, tried] = /^(\d+)\/(\d+) alarms/.exec(lines.at(-1) ?? '') ?? [];
    expect(Number(raised)).toBeGreaterThan(50);
    expect(raised).toBe(tried);
    expect(lines).toContain('✓ plain: a count of rows is edited, and the checksums with it: verify.rows_mismatch');
    expect(lines).toContain('✓ encrypted: a bit of the dump flips in the middle: verify.checksum_mismatch');
    expect(lines).toContain('✓ server: the role may not read a table: preflight.rights');
    expect(scratchFolders().filter((name) => !before.includes(name))).toEqual([]);
  },
);

/** A view of this machine in which no initdb can be started. */
function withoutServerPrograms(args: readonly string[], door = MAINT): readonly string[] {
  const found = execFileSync('sh', ['-c', 'ls /usr/lib/postgresql/*/bin/initdb'], { encoding: 'utf8' });
  const hidden = found
    .trim()
    .split('\n')
    .map((path) => `mount --bind /dev/null ${path}`);
  return ['--mount', 'sh', '-c', [...hidden, 'exec "$@"'].join(' && '), 'sh', process.execPath, door, ...args];
}

const canHide = spawnSync('unshare', withoutServerPrograms(['--version'])).status === 0;

withSite.skipIf(!canHide)(
  'without server programs the newest backup is the subject, and what needs a server is said to be left out',
  PATIENCE,
  async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT generate_series(1, 500) AS id');
    await site.run('backup');
    const args = ['backups', 'selftest', '--config', site.configFile, '--json'];
    const run = (): ReturnType<typeof spawnSync> =>
      spawnSync('unshare', withoutServerPrograms(args), { cwd: site.folder, env: site.env, encoding: 'utf8' });
    const before = readdirSync(join(site.backups, site.visible()[0] ?? ''));
    const end = run();
    expect(end.status).toBe(0);
    const { ok, skipped, expected, withoutServer } = JSON.parse(String(end.stdout));
    expect({ ok, withoutServer }).toEqual({ ok: true, withoutServer: expect.stringContaining('initdb') });
    expect(skipped).toBeGreaterThan(8);
    expect(expected).toBeGreaterThan(20);
    expect(readdirSync(join(site.backups, site.visible()[0] ?? ''))).toEqual(before);

    rmSync(site.backups, { recursive: true });
    mkdirSync(site.backups);
    expect(run()).toMatchObject({ status: 4, stderr: expect.stringContaining('there is nothing to test with') });
  },
);

withSite('a maint whose check was taken out fails its own test, and the fault is named', PATIENCE, async ({ site }) => {
  const { folder, configFile, database, env } = site;
  for (const name of ['bin', 'dist']) cpSync(join(ROOT, name), join(folder, 'maimed', name), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'maimed/package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'maimed/node_modules'));
  const check = '...extraFiles(stated)';
  const built = join(folder, 'maimed/dist/cli');
  const files = readdirSync(built).map((name) => join(built, name));
  const [verify = '', ...others] = files.filter((file) => readFileSync(file, 'utf8').includes(check));
  expect(others).toEqual([]);
  writeFileSync(verify, readFileSync(verify, 'utf8').replace(check, ''));
  await database.query('CREATE TABLE users AS SELECT generate_series(1, 500) AS id');
  await site.run('backup');
  const door = join(folder, 'maimed/bin/maint.js');
  const args = ['backups', 'selftest', '--config', configFile, '--json'];
  // Without a server it is the same test of the same files, in a third of the time.
  const [program, ...rest] = canHide
    ? ['unshare', ...withoutServerPrograms(args, door)]
    : [process.execPath, door, ...args];
  const { status, stdout } = spawnSync(program, rest, { cwd: folder, env, encoding: 'utf8' });
  expect(status).toBe(1);
  const { ok, raised, expected, results } = JSON.parse(stdout);
  const missed: readonly { readonly fault: string }[] = results.filter(
    (result: { readonly status: string }) => result.status === 'missed',
  );
  expect({ ok, missed: expected - raised }).toEqual({ ok: false, missed: missed.length });
  expect(missed).toContainEqual({
    fault: expect.stringMatching(/: a file is added$/),
    expected: 'verify.extra_file',
    status: 'missed',
    said: [],
  });
  expect(missed.filter(({ fault }) => !fault.endsWith(': a file is added'))).toEqual([]);
});
