import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { checkConfig, salvageConfig, type ConfigCheck } from '../../src/config/read.ts';
import { tasks } from '../../src/tasks/index.ts';
import { test } from '../support/state.ts';

async function salvage(cwd: string, text: string, env: Readonly<Record<string, string>> = {}): Promise<ConfigCheck> {
  writeFileSync(join(cwd, 'maint.yaml'), text);
  const request = { env, cwd, tasks };
  const salvaged = await salvageConfig(request);
  expect(salvaged.problems).toEqual((await checkConfig(request)).problems);
  return salvaged;
}

describe('a configuration with mistakes', () => {
  test('keeps what is right, with defaults in place of the rest', async ({ folder }) => {
    const { config, problems } = await salvage(
      folder,
      'name: app\nlog: { level: loud, colour: red }\ntimezone: Europe/Berlin\ntasks: { helth: {} }\n',
    );
    expect(problems).toHaveLength(3);
    expect(config).toMatchObject({ project: 'app', logLevel: 'info', timezone: 'Europe/Berlin' });
  });

  test('loses a channel that lacks something, and keeps the others', async ({ folder }) => {
    const { config } = await salvage(
      folder,
      [
        'alerts:',
        '  channels:',
        '    - { name: first, type: slack }',
        '    - { name: second, type: slack, url: "https://hooks.example.com/2" }',
      ].join('\n'),
    );
    expect(config?.alerts.channels.map(({ name }) => name)).toEqual(['second']);
  });

  test('does not take the database of the environment for one that is wrong in the file', async ({ folder }) => {
    const env = { DATABASE_URL: 'postgres://app@db1/other' };
    const { config } = await salvage(folder, 'name: app\ndatabase: { url: "mysql://db1/app", lockTimeout: 9s }\n', env);
    expect(config?.database.connection).toBeUndefined();
    expect(config?.database.limits.lockTimeoutMs).toBe(9_000);
  });

  test('keeps the file where only DATABASE_URL is wrong', async ({ folder }) => {
    const { config, problems } = await salvage(folder, 'name: app\n', { DATABASE_URL: 'mysql://db1/app' });
    expect(problems).toMatchObject([{ source: 'environment' }]);
    expect(config).toMatchObject({ project: 'app', database: { connection: undefined } });
  });

  test('that is no YAML leaves the defaults', async ({ folder }) => {
    const env = { DATABASE_URL: 'postgres://app@db1/app' };
    const { config, problems } = await salvage(folder, 'name: [app\n', env);
    expect(problems.length).toBeGreaterThan(0);
    expect(config?.database.connection?.host).toBe('db1');
  });

  test('that is right is left as it is', async ({ folder }) => {
    const { config, problems } = await salvage(folder, 'name: app\n');
    expect(problems).toEqual([]);
    expect(config?.project).toBe('app');
  });
});
