import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { loadConfig } from '../../src/config/read.ts';
import { tasks } from '../../src/tasks/index.ts';
import { clusterUrl, test } from '../support/database.ts';
import { makeWorld } from '../support/world.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'maint-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('init', () => {
  test('writes a file with which the doctor finds nothing broken', async ({ database }) => {
    const cwd = folder();
    const env = { DATABASE_URL: database.url };
    const world = makeWorld({ cwd, env });
    expect(await main(['init'], world)).toBe(0);

    const file = join(cwd, 'maint.yaml');
    const config = await loadConfig({ env, cwd, configPath: file, tasks });
    expect(config.project).toBe(database.name);
    expect(config.timezone).toBe('UTC');
    const blocks = Object.fromEntries(config.tasks.map(({ task, settings }) => [task.name, settings]));
    expect(blocks).toMatchObject({
      health: { disks: expect.arrayContaining(['/']) },
      backup: { keep: { last: 7, daily: 14, weekly: 8, monthly: 12 } },
    });
    expect(config.backups.directory).toBe(join(cwd, 'data/maint'));

    const doctor = makeWorld({ cwd, env });
    expect(await main(['doctor'], doctor)).toBe(0);
    expect(doctor.out()).toContain(file);
    expect(doctor.out()).not.toMatch(/^[✗?]/m);
  });

  test('says what it found, and what to do next', async ({ database }) => {
    const cwd = folder();
    const world = makeWorld({ cwd, env: { DATABASE_URL: database.url }, process: { nodePath: '/n/node' } });
    await main(['init', '--output', 'my app.yaml'], world);
    const file = join(cwd, 'my app.yaml');
    expect(world.out()).toContain(`wrote ${file}`);
    expect(world.out()).toMatch(new RegExp(`database +${database.name} on .*, PostgreSQL \\d+\\.\\d+, [\\d.]+ MB`));
    expect(world.out()).not.toContain('could not look at');
    for (const command of [`maint doctor --config '${file}'`, `maint daily --dry-run --config '${file}'`])
      expect(world.out()).toContain(command);
    expect(world.out()).toMatch(/^ +\d+ 3 \* \* \* \/n\/node \S+ daily --cron --config '.*my app\.yaml'$/m);
    expect(world.out()).toMatch(/^ +\d+ 4 \* \* 0 \/n\/node \S+ weekly --cron/m);
  });

  test('writes for its owner alone, and leaves nothing else', async () => {
    const cwd = folder();
    await main(['init'], makeWorld({ cwd }));
    expect(readdirSync(cwd)).toEqual(['maint.yaml']);
    expect(statSync(join(cwd, 'maint.yaml')).mode & 0o777).toBe(0o600);
  });

  test('never writes over a file, unless it is told to', async ({ database }) => {
    const cwd = folder();
    const env = { DATABASE_URL: database.url };
    const file = join(cwd, 'maint.yaml');
    writeFileSync(file, 'name: mine\n');

    const refused = makeWorld({ cwd, env });
    expect(await main(['init'], refused)).toBe(2);
    expect(refused.err()).toContain(`${file} is there already`);
    expect(refused.err()).toContain('--force');
    expect(readFileSync(file, 'utf8')).toBe('name: mine\n');

    expect(await main(['init', '--force'], makeWorld({ cwd, env }))).toBe(0);
    const config = await loadConfig({ env, cwd, configPath: file, tasks });
    expect(config.project, 'the name of the earlier file').toBe('mine');
    expect(config.database.connection?.database).toBe(database.name);
  });

  test.for([
    ['which is down', (cwd: string) => `postgres://app@/app?host=${cwd}`, /could not look at .*DATABASE_UNREACHABLE/],
    ['which refuses us', () => clusterUrl('postgres', 'nobody_there'), /could not look at .*DATABASE_LOGIN_REFUSED/],
    ['whose URL is wrong', () => 'mysql://db1/app', /could not look at the database: the database URL cannot be read/],
    ['that nobody named', () => undefined, /could not look at the database: DATABASE_URL is not set/],
  ] as const)('without a database, %s, writes the file all the same', async ([, url, said]) => {
    const cwd = folder();
    const world = makeWorld({ cwd, env: { DATABASE_URL: url(cwd) } });
    expect(await main(['init'], world)).toBe(0);
    expect(world.out()).toMatch(said);
    const env = { DATABASE_URL: 'postgres://app@db1/app' };
    const config = await loadConfig({ env, cwd, configPath: join(cwd, 'maint.yaml'), tasks });
    expect(config.database.connection?.host).toBe('db1');
  });

  test('works where MAINT_CONFIG already names the file to be written', async () => {
    const cwd = folder();
    const world = makeWorld({ cwd, env: { MAINT_CONFIG: join(cwd, 'app.yaml') } });
    expect(await main(['init', '--output', 'app.yaml'], world)).toBe(0);
    expect(readdirSync(cwd)).toEqual(['app.yaml']);
  });

  test('keeps the minute of a project, and spreads those of many', async () => {
    const daily = async (project: string): Promise<string> => {
      const cwd = folder();
      const env = { DATABASE_URL: `postgres://app@/${project}?host=${cwd}` };
      await main(['init'], makeWorld({ cwd, env }));
      return (await loadConfig({ env, cwd, tasks })).schedule.daily;
    };
    expect(await daily('shop')).toBe(await daily('shop'));
    const all = await Promise.all(['shop', 'blog', 'crm', 'wiki', 'mail', 'jobs'].map(daily));
    expect(new Set(all).size).toBeGreaterThan(3);
  });

  test('copes with names that mean something in YAML and in maint', async () => {
    const cwd = folder();
    const world = makeWorld({ cwd, env: { XDG_DATA_HOME: '/tmp/a: "b" ${HOME} #c' } });
    expect(await main(['init'], world)).toBe(0);
    const env = { DATABASE_URL: 'postgres://app@db1/app' };
    const config = await loadConfig({ env, cwd, tasks });
    expect(config.backups.directory).toBe('/tmp/a: "b" ${HOME} #c/maint');
  });

  test('says so where the file cannot be written', async () => {
    const cwd = folder();
    const world = makeWorld({ cwd });
    expect(await main(['init', '--output', 'missing/maint.yaml'], world)).toBe(4);
    expect(world.err()).toContain(join(cwd, 'missing/maint.yaml'));
  });

  test('writes and prints no secret', async ({ database }) => {
    for (const host of [undefined, '/nowhere']) {
      const cwd = folder();
      const url = database.url.replace('postgres@', 'postgres:T0PS3CRET@');
      const DATABASE_URL = host === undefined ? url : `postgres://postgres:T0PS3CRET@/${database.name}?host=${host}`;
      const world = makeWorld({ cwd, env: { DATABASE_URL } });
      expect(await main(['init'], world)).toBe(0);
      const written = readFileSync(join(cwd, 'maint.yaml'), 'utf8');
      expect(written).toContain('url: ${DATABASE_URL}');
      expect(written + world.out() + world.err()).not.toContain('T0PS3CRET');
    }
  });
});
