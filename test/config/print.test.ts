import { describe, expect } from 'vitest';
import { parse } from 'yaml';
import { printConfig } from '../../src/config/print.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/read.ts';
import { TASKS, test } from '../support/config-folder.ts';

describe('the printed configuration', () => {
  test('has every default, hides secrets, and says where it comes from', async ({ folder }) => {
    await folder.write(
      'maint.yaml',
      `database: { url: postgres://me:pw@db1/app }
tasks: { look: { maxAge: 1h, token: x } }
alerts: { channels: [{ type: slack, name: ops, url: 'https://hooks.example/x' }] }
`,
    );
    const printed = printConfig(await loadConfig(folder.request()));
    expect(printed.replaceAll(folder.path, '/folder')).toMatchInlineSnapshot(`
      "# file: /folder/maint.yaml
      # project: app
      # database: app on db1:5432 as me
      database:
        url: "[secret]"
        connectTimeout: 10s
        statementTimeout: 60s
        lockTimeout: 5s
        coordination: auto
      timezone: UTC
      schedule:
        daily: 17 3 * * *
        weekly: 47 4 * * 0
        monthly: 17 6 1 * *
        quarterly: 17 7 1 1,4,7,10 *
        catchUp: latest
        maxAge: 12h
        grace: 30 min
      jobs: []
      programs:
        directories: []
      backups:
        encryption:
          recipients: []
        copies: []
        files: []
        rules:
          readBackWithin: 35 days
      tasks:
        look:
          maxAge: 1h
          share: 0.8
          count: 3
          mode: fast
          labels: {}
          paths: []
          token: "[secret]"
          enabled: true
          tier: daily
          deadline: 90 s
        tidy:
          warnAt: 1
          failAt: 2
          enabled: true
          tier: weekly
          deadline: 1 h
      alerts:
        channels:
          - name: ops
            type: slack
            url: "[secret]"
        on: fail
        repeatAfter: 24h
        flapping: true
        checks: {}
        windows: []
        canary:
          enabled: true
          every: 7 days
          hours: Mon-Fri 09:00-17:00 UTC
          except: []
        timeout: 10s
      owners: {}
      deadMan: []
      log:
        level: info
      "
    `);
  });

  test('without a file says what was assumed', async ({ folder }) => {
    const printed = printConfig(
      await loadConfig(folder.request({ env: { DATABASE_URL: 'postgres://me:pw@db1/app' } })),
    );
    expect(printed.split('\n').slice(0, 5)).toEqual([
      '# project: app',
      '# database: app on db1:5432 as me',
      '# no configuration file: everything below is a default',
      '# database from DATABASE_URL',
      'database:',
    ]);
  });

  test('means the same when it is read back', async ({ folder }) => {
    await folder.write('maint.yaml', 'tasks: { look: { labels: { x: "$${A}" } }, tidy: { deadline: 90s } }\nname: a\n');
    const config = await loadConfig(folder.request());
    await folder.write('maint.yaml', printConfig(config));
    const again = await loadConfig(folder.request());
    expect({ ...again }).toEqual({ ...config });
  });

  test('shows what a flag changed', async ({ folder }) => {
    const overrides = [{ task: 'look', setting: 'maxAge', value: '2h', flag: '--max-age' }];
    const printed: unknown = parse(printConfig(await loadConfig(folder.request({ overrides }))));
    expect(printed).toMatchObject({ tasks: { look: { maxAge: '2h' } } });
  });
});

describe('the schema for editors', () => {
  const schema = JSON.stringify(configJsonSchema(TASKS));

  test('has the parts of tasks and alerts, with descriptions and defaults as a person writes them', () => {
    expect(configJsonSchema(TASKS)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Configuration of maint',
      type: 'object',
      additionalProperties: false,
      properties: {
        database: { properties: { connectTimeout: { type: 'string', default: '10s' } } },
        tasks: {
          properties: {
            look: {
              description: 'Look at things',
              additionalProperties: false,
              properties: {
                maxAge: { default: '7 days', description: 'How old things may be' },
                enabled: { type: 'boolean', default: true },
                tier: { enum: ['daily', 'weekly', 'monthly', 'quarterly'], default: 'daily' },
                deadline: { default: '90 s' },
              },
            },
            tidy: { properties: { deadline: { default: '1 h' } } },
          },
        },
        alerts: { properties: { channels: { type: 'array' } } },
      },
    });
  });

  test('asks for nothing, since everything has a default', () => {
    expect(configJsonSchema(TASKS)).not.toHaveProperty('required');
  });

  test('is the same each time, its head first', () => {
    expect(JSON.stringify(configJsonSchema(TASKS))).toBe(schema);
    expect(schema.startsWith('{"$schema":')).toBe(true);
  });

  test('describes every field', () => {
    const silent: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const fields: object = 'properties' in node && node.properties instanceof Object ? node.properties : {};
      for (const [name, field] of Object.entries(fields)) if (!('description' in field)) silent.push(`${path}.${name}`);
      for (const [key, value] of Object.entries(node)) visit(value, `${path}.${key}`);
    };
    visit(configJsonSchema(TASKS), '');
    expect(silent).toEqual([]);
  });
});
