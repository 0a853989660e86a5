import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect } from 'vitest';
import { test as withFolder } from '../support/state.ts';
import { flat, MAINT, runMaint } from '../support/maint.ts';
import { test } from '../support/site.ts';

describe('the door', () => {
  withFolder('says which Node.js it needs when the running one is too old', () => {
    const older =
      'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.19.1"}})';
    const { status, stderr, stdout } = spawnSync(process.execPath, ['--import', older, MAINT, 'daily'], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/Node\.js 20\.19\.1 is too old: maint needs 22\.18 or newer/);
  });

  withFolder('asks for a database when none is named, and makes nothing', async ({ folder }) => {
    const { exitCode, stderr, stdout } = await runMaint({ args: ['daily'], cwd: folder, env: { HOME: folder } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('DATABASE_URL');
    expect(readdirSync(folder)).toEqual([]);
  });

  withFolder.for([
    [['dayly'], '"daily"'],
    [['daily', '--dry-rum'], '--dry-rum'],
    [['run', 'bakcup'], '"backup"'],
    [['daily', '--only', 'nonsense'], 'nonsense'],
    [['daily', '--password', 'x'], '--password'],
    [['history', '--limit', 'many'], 'many'],
    [['daily', '--cron', '--dry-run'], '--dry-run'],
    [[], 'command'],
  ] as const)('answers %j with exit code 2 and names the word', async ([args, word], { folder }) => {
    const env = { HOME: folder, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const { exitCode, stdout, stderr } = await runMaint({ args, cwd: folder, env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(word);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(folder)).toEqual([]);
  });

  withFolder('names every mistake of a configuration with its line, and touches nothing', async ({ folder }) => {
    writeFileSync(
      join(folder, 'maint.yaml'),
      'databse: {}\ntasks:\n  health:\n    disk: { warnAt: lots }\nalerts:\n  on: never\n',
    );
    const { exitCode, stderr } = await runMaint({ args: ['daily'], cwd: folder, env: { HOME: folder } });
    expect(exitCode).toBe(2);
    for (const part of ['maint.yaml:1', 'databse', 'database', 'maint.yaml:4', 'warnAt', 'maint.yaml:6', 'alerts.on'])
      expect(stderr).toContain(part);
    expect(readdirSync(folder)).toEqual(['maint.yaml']);
  });

  withFolder('prints an error as JSON where JSON was asked for', async ({ folder }) => {
    const { exitCode, stdout, stderr } = await runMaint({ args: ['daily', '--json'], cwd: folder });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ format: 1, error: { code: 'CONFIG_NOT_FOUND', exitCode: 2 } });
  });
});

describe('zero config', () => {
  test('does the day and says what it assumed', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
    const home = join(site.folder, 'home');
    const env = {
      HOME: home,
      XDG_DATA_HOME: home,
      DATABASE_URL: site.database.url,
      MAINT_STATE_DIR: join(home, 'state'),
    };
    // As root backups would go to the system's own folder, so a dry run has to do.
    const { exitCode, stdout } = await runMaint({ args: ['daily', '--dry-run'], cwd: join(site.folder, 'bin'), env });
    expect(exitCode, stdout).toBe(0);
    const assumed = [
      'no configuration file',
      'database from DATABASE_URL',
      `state in ${home}/state`,
      'backups in',
      'no alert channel',
    ];
    for (const words of assumed) expect(flat(stdout)).toContain(words);
    const health = await runMaint({ args: ['health'], cwd: join(site.folder, 'bin'), env });
    expect(health.exitCode, health.stdout).toBe(0);
  });
});

describe('a report', () => {
  test('is one JSON document, and a JUnit file beside it', async ({ site }) => {
    const junit = join(site.folder, 'report.xml');
    const { exitCode, stdout } = await site.run('daily', '--json', '--junit', junit);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      format: 1,
      command: 'daily',
      project: 'app',
      verdict: 'done',
      config: site.configFile,
    });
    expect(readFileSync(junit, 'utf8')).toContain('<testsuite name="backup"');
  });

  test('of a dry run shows what would be done, and nothing was', async ({ site }) => {
    const { exitCode, stdout } = await site.run('daily', '--dry-run');
    expect(exitCode).toBe(0);
    expect(flat(stdout)).toContain('would run');
    expect(flat(stdout)).toMatch(/→ dump t_\w+ with pg_dump/);
    expect(readdirSync(site.folder).toSorted()).toEqual(['bin', 'maint.yaml']);
    expect(await site.database.query(`SELECT to_regnamespace('maint') AS made`)).toEqual([{ made: null }]);
  });

  test('with warnings is exit code 0, and 1 with --fail-on warn', async ({ site }) => {
    site.configure({ tasks: { health: { disks: [site.folder], disk: { warnAt: 0.001, failAt: 0.999 } } } });
    expect((await site.run('health')).exitCode).toBe(0);
    expect((await site.run('health', '--fail-on', 'warn')).exitCode).toBe(1);
  });

  test('of a tier without tasks is exit code 0', async ({ site }) => {
    expect((await site.run('quarterly')).exitCode).toBe(0);
  });

  test('that went well under cron is silent', async ({ site }) => {
    expect(await site.run('daily', '--cron')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });
});

describe('verify-backup, as CI calls it', () => {
  test('needs no database, and its exit code tells good, bad and unknown apart', async ({ site }) => {
    await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 1000) g');
    const directory = join(site.folder, 'backups');
    const verify = (...args: readonly string[]) =>
      runMaint({
        args: ['verify-backup', '--directory', directory, ...args],
        cwd: site.folder,
        env: { HOME: site.folder, MAINT_CONFIG: ci, MAINT_STATE_DIR: join(site.folder, 'ci-state') },
      });
    const ci = join(site.folder, 'ci.yaml');
    writeFileSync(ci, 'name: app\n');
    expect((await verify()).exitCode, 'no repository: it could not be found out').toBe(4);
    expect((await site.run('backup')).exitCode).toBe(0);
    expect((await verify('--max-age', '26h')).exitCode).toBe(0);
    expect((await verify('--max-age', '1ms')).exitCode, 'too old').toBe(1);
    const dump = join(site.backups, site.visible()[0] ?? '', 'data.dump.zst');
    const bytes = readFileSync(dump);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
    writeFileSync(dump, bytes);
    const broken = await verify('--latest', '--json');
    expect(broken.exitCode, 'one flipped bit').toBe(1);
    expect(broken.stdout).toContain('verify.checksum_mismatch');
  });
});

describe('status', () => {
  test('tells what ran, what comes next, and with exit code 1 what is overdue', async ({ site }) => {
    await site.run('daily', '--cron');
    const well = await site.run('status');
    expect(well.exitCode).toBe(0);
    expect(well.stdout).toMatch(/daily +done.* ago +next \d{4}-\d\d-\d\dT03:17Z +health, backup/);
    expect(well.stdout).toMatch(/monthly +never ran/);
    const journal = new DatabaseSync(join(site.state, 'journal.sqlite'));
    journal.exec(`UPDATE ledger SET slot = '2026-01-01T03:17:00.000Z'`);
    journal.close();
    const late = await site.run('status', '--json');
    expect(late.exitCode).toBe(1);
    expect(JSON.parse(late.stdout)).toMatchObject({
      tiers: [{ tier: 'daily', overdueSince: expect.any(String) }, {}, {}, {}],
    });
  });
});
