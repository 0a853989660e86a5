import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/read.ts';
import { isMapping } from '../../src/config/tree.ts';
import { tasks } from '../../src/tasks/index.ts';

const FILE = join(import.meta.dirname, '../../config/maint.example.yaml');
const TEXT = readFileSync(FILE, 'utf8');

const ENV = {
  DATABASE_URL: 'postgres://maint@db1/app',
  SLACK_WEBHOOK_URL: 'https://hooks.example.com/ops',
  ALERT_WEBHOOK_URL: 'https://alerts.example.com/in',
  ALERT_SIGNING_KEY: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  AGE_IDENTITY: 'AGE-SECRET-KEY-1EXAMPLE',
  RESTORE_TEST_URL: 'postgres://maint@db2/postgres',
  S3_SECRET_KEY: 'secret',
  S3_SESSION_TOKEN: 'token',
  RSYNC_PASSWORD: 'secret',
  DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/1/x',
  TEAMS_WORKFLOW_URL: 'https://teams.example.com/workflows/x',
  PAGERDUTY_ROUTING_KEY: '0123456789abcdef0123456789abcdef',
  NTFY_TOPIC: 'ops',
  NTFY_TOKEN: 'tk_x',
  MAIL_PASSWORD: 'x',
  ALERTMANAGER_TOKEN: 'x',
  ETL_PING_URL: 'https://ping.example.com/2',
  HEALTHCHECKS_PING_KEY: '0123456789abcdefghijkl',
  UPTIME_KUMA_PUSH_URL: 'https://kuma.example.com/api/push/x',
  CRONITOR_API_KEY: 'x',
  PROBE_KEY: 'x',
  REDIS_PASSWORD: 'x',
  HEARTBEAT_URL: 'https://ping.example.com/1',
};

describe('the example configuration', () => {
  test('is right', async () => {
    const config = await loadConfig({ env: ENV, cwd: '/', configPath: FILE, tasks });
    expect(config.project).toBe('app');
    expect(config.backups.copies.map(({ name }) => name)).toEqual(['nas', 'offsite', 'other-host']);
    expect(config.alerts.channels.map(({ type }) => type)).toEqual([
      'slack',
      'webhook',
      'discord',
      'teams',
      'pagerduty',
      'ntfy',
      'email',
      'alertmanager',
      'apprise',
    ]);
  });

  test('names every key that the schema knows', () => {
    const named = new Set(pathsOf(parse(TEXT)));
    const unnamed = schemaPaths(configJsonSchema(tasks)).filter((path) => !named.has(path) && !SHOWN_ONCE.test(path));
    expect(unnamed).toEqual([]);
  });

  test('tells an editor where the schema is', () => {
    expect(TEXT.split('\n')[0]).toBe('# yaml-language-server: $schema=./schema.json');
  });
});

function pathsOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}[]`));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [`${path}.${key}`, ...pathsOf(item, `${path}.${key}`)]);
}

/** What every task has and the example shows at one of them. */
const SHOWN_ONCE = /^\.tasks\.(?!cert-audit\.)[\w-]+\.schedule$/;

/** The other ways to give a secret are said once, at the top of the file. */
const SECRET_SOURCES = new Set(['file', 'command']);

function schemaPaths(schema: unknown, path = ''): readonly string[] {
  if (!isMapping(schema)) return [];
  const alternatives = [schema['anyOf'], schema['oneOf'], schema['allOf']].filter(Array.isArray).flat();
  const properties = isMapping(schema['properties']) ? Object.entries(schema['properties']) : [];
  return [
    ...properties
      .filter(([key]) => !SECRET_SOURCES.has(key))
      .flatMap(([key, item]) => [`${path}.${key}`, ...schemaPaths(item, `${path}.${key}`)]),
    ...schemaPaths(schema['items'], `${path}[]`),
    ...alternatives.flatMap((each: unknown) => schemaPaths(each, path)),
  ];
}
