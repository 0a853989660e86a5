import { describe, expect } from 'vitest';
import { z } from 'zod';
import { requireDatabase } from '../../src/config/config.ts';
import { describeProblem } from '../../src/config/problem.ts';
import { checkConfig, loadConfig } from '../../src/config/read.ts';
import { defineTask } from '../../src/engine/task.ts';
import { TASKS, test } from '../support/config-folder.ts';

const DATABASE_URL = 'postgres://me:pw@db1:6543/My%20App';

describe('without a file', () => {
  test('DATABASE_URL is enough, and what was assumed is said', async ({ folder }) => {
    const config = await loadConfig(folder.request({ env: { DATABASE_URL } }));
    expect(config).toMatchObject({
      file: null,
      assumptions: ['no configuration file: everything below is a default', 'database from DATABASE_URL'],
      project: 'my-app',
      database: {
        connection: { host: 'db1', port: 6543, database: 'My App', user: 'me' },
        limits: { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 },
        coordination: 'auto',
      },
      stateDirectory: undefined,
      timezone: 'UTC',
      schedule: { daily: '17 3 * * *', weekly: '47 4 * * 0', monthly: '17 6 1 * *', quarterly: '17 7 1 1,4,7,10 *' },
      programDirectories: [],
      heartbeatUrl: undefined,
      logLevel: 'info',
    });
    expect(config.alerts.channels).toEqual([]);
    expect(config.tasks.map(({ task, ...rest }) => ({ name: task.name, ...rest }))).toEqual([
      {
        name: 'look',
        enabled: true,
        tier: 'daily',
        deadlineMs: 90_000,
        settings: { maxAge: 604_800_000, share: 0.8, count: 3, mode: 'fast', labels: {}, paths: [] },
      },
      { name: 'tidy', enabled: true, tier: 'weekly', deadlineMs: 3_600_000, settings: { warnAt: 1, failAt: 2 } },
    ]);
  });

  test('and without DATABASE_URL only a command that needs a database complains', async ({ folder }) => {
    const config = await loadConfig(folder.request({ env: { DATABASE_URL: '' } }));
    expect(config).toMatchObject({ project: 'unnamed', database: { connection: undefined } });
    expect(config.assumptions).toEqual(['no configuration file: everything below is a default']);
    expect(() => requireDatabase(config)).toThrow('DATABASE_URL is not set and there is no configuration file');
  });

  test('a wrong DATABASE_URL is named, but not repeated', async ({ folder }) => {
    await expect(
      loadConfig(folder.request({ env: { DATABASE_URL: 'mysql://me:hunter2@db1/app' } })),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^DATABASE_URL: database.url: the database URL cannot be read(?!.*hunter2)/),
    });
  });
});

describe('a file', () => {
  test('sets everything', async ({ folder }) => {
    const file = await folder.write(
      'maint.yaml',
      `name: shop
database:
  url: postgres://app@/shop?host=/run/postgresql
  connectTimeout: 3s
  statementTimeout: 2 min
  lockTimeout: 250 ms
  coordination: off
state: state
timezone: Europe/Berlin
schedule: { daily: 5 4 * * * }
programs: { directories: [/usr/lib/postgresql/18/bin, bin] }
tasks:
  look: { enabled: false, maxAge: 1h, deadline: 2h }
  tidy: { tier: monthly }
alerts:
  on: warn
  channels: [{ name: ops, type: slack, url: 'https://hooks.example/x' }]
heartbeat: { url: 'https://ping.example/1' }
log: { level: debug }
`,
    );
    const config = await loadConfig(folder.request({ env: { DATABASE_URL } }));
    expect(config).toMatchObject({
      file,
      assumptions: [],
      project: 'shop',
      database: {
        connection: { host: '/run/postgresql', database: 'shop', user: 'app' },
        limits: { connectTimeoutMs: 3_000, statementTimeoutMs: 120_000, lockTimeoutMs: 250 },
        coordination: 'off',
      },
      stateDirectory: `${folder.path}/state`,
      timezone: 'Europe/Berlin',
      schedule: { daily: '5 4 * * *', weekly: '47 4 * * 0' },
      programDirectories: ['/usr/lib/postgresql/18/bin', `${folder.path}/bin`],
      tasks: [
        { enabled: false, tier: 'daily', deadlineMs: 7_200_000, settings: { maxAge: 3_600_000, share: 0.8 } },
        { enabled: true, tier: 'monthly' },
      ],
      alerts: { on: 'warn', channels: [{ name: 'ops' }] },
      logLevel: 'debug',
    });
    expect(config.heartbeatUrl?.reveal()).toBe('https://ping.example/1');
    expect(requireDatabase(config).database).toBe('shop');
  });

  test('without a database falls back to DATABASE_URL and says so', async ({ folder }) => {
    await folder.write('maint.yaml', 'database: { lockTimeout: 1s }\n');
    const config = await loadConfig(folder.request({ env: { DATABASE_URL } }));
    expect(config).toMatchObject({ assumptions: ['database from DATABASE_URL'], project: 'my-app' });
    const without = await loadConfig(folder.request());
    expect(() => requireDatabase(without)).toThrow(/maint\.yaml has no database\.url/);
  });

  test('is filled in from the environment, with $${ for the characters themselves', async ({ folder }) => {
    await folder.write('maint.yaml', 'name: a-${STAGE}-${STAGE}\ntasks: { look: { labels: { x: "$${STAGE}" } } }\n');
    const config = await loadConfig(folder.request({ env: { STAGE: 'live' } }));
    expect(config.project).toBe('a-live-live');
    expect(config.tasks[0]?.settings).toMatchObject({ labels: { x: '${STAGE}' } });
  });

  test('may use anchors', async ({ folder }) => {
    await folder.write('maint.yaml', 'schedule: { daily: &x 1 2 * * *, weekly: *x }\n');
    expect((await loadConfig(folder.request())).schedule).toMatchObject({ daily: '1 2 * * *', weekly: '1 2 * * *' });
  });

  test('may name the schema that an editor checks it with', async ({ folder }) => {
    await folder.write('maint.json', '{ "$schema": "./schema.json" }');
    expect((await loadConfig(folder.request())).project).toBe('unnamed');
  });
});

describe('the result', () => {
  test('is frozen to its depths, but the tasks are left alone', async ({ folder }) => {
    await folder.write(
      'maint.yaml',
      'tasks: { look: { labels: { a: b }, paths: [/x] } }\nalerts: { channels: [{ name: o, type: slack, url: "http://x" }] }\n',
    );
    const config = await loadConfig(folder.request({ env: { DATABASE_URL } }));
    const open: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (
        typeof value !== 'object' ||
        value === null ||
        path.endsWith('.task') ||
        /Secret/.test(value.constructor.name)
      )
        return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [key, item] of Object.entries(value)) visit(item, `${path}.${key}`);
    };
    visit(config, 'config');
    expect(open).toEqual([]);
    expect(config.tasks[0]?.task).toBe(TASKS[0]);
    expect(Object.isFrozen(TASKS[0])).toBe(false);
  });
});

describe('problems', () => {
  test('are all told at once, each with its line and what is allowed', async ({ folder }) => {
    const file = await folder.write(
      'maint.yaml',
      `name: Shop
timezon: UTC
database:
  url: 5
  connectTimeout: 10 parsecs
  coordination: maybe
  host: db1
schedule:
  daily: 61 * * * *
  monthly: 0 0 31 2 *
  weekly: "@weekly"
timezone: Europe/Berlim
tasks:
  lok: {}
  look:
    share: 1.5
    count: 2.5
    mode: caerful
    enabled: yes please
    paths:
      - /x
      - 7
    labels: { b: 5 }
  tidy: { warnAt: 9 }
alerts:
  channels:
    - name: ops
      type: slak
      url: http://x
    - name: \${NOPE}
      type: slack
      url: { fil: x }
    - { name: c, type: webhook, url: { file: /does/not/exist } }
    - { name: d, type: webhook }
heartbeat: { url: ftp://x }
log:
log: { level: debgu }
`,
    );
    const { problems, config } = await checkConfig(folder.request({ env: { DATABASE_URL } }));
    expect(config).toBeUndefined();
    const lines = problems.map((problem) => describeProblem(problem).replace(file, 'maint.yaml'));
    expect(lines).toMatchInlineSnapshot(`
      [
        "maint.yaml:1: name: must be lower-case letters, digits, _ and -, and start with a letter or digit",
        "maint.yaml:2: timezon: unknown key; did you mean "timezone"?",
        "maint.yaml:4: database.url: found a number, allowed is text or a mapping",
        "maint.yaml:5: database.connectTimeout: "10 parsecs" is not a duration. Write a number and a unit, such as 30s, 15 min, 26h or 7 days",
        "maint.yaml:6: database.coordination: found "maybe", allowed are auto, off",
        "maint.yaml:7: database.host: unknown key; allowed are url, connectTimeout, statementTimeout, lockTimeout, coordination",
        "maint.yaml:9: schedule.daily: "61 * * * *" is no schedule: Invalid value for minute: 61; write minute, hour, day, month and weekday, such as 17 3 * * *",
        "maint.yaml:10: schedule.monthly: "0 0 31 2 *" is no schedule: it never comes; write minute, hour, day, month and weekday, such as 17 3 * * *",
        "maint.yaml:11: schedule.weekly: "@weekly" is no schedule: it does not have five fields; write minute, hour, day, month and weekday, such as 17 3 * * *",
        "maint.yaml:12: timezone: "Europe/Berlim" is no time zone; write an IANA name such as UTC or Europe/Berlin; did you mean "Europe/Berlin"?",
        "maint.yaml:14: tasks.lok: unknown key; did you mean "look"?",
        "maint.yaml:16: tasks.look.share: found 1.5, allowed is at most 1",
        "maint.yaml:17: tasks.look.count: found a number that is not whole, allowed is a whole number",
        "maint.yaml:18: tasks.look.mode: found "caerful", allowed are fast, careful; did you mean "careful"?",
        "maint.yaml:19: tasks.look.enabled: found text, allowed is true or false",
        "maint.yaml:22: tasks.look.paths[1]: found a number, allowed is text",
        "maint.yaml:23: tasks.look.labels.b: found a number, allowed is text",
        "maint.yaml:24: tasks.tidy: warnAt must not be above failAt",
        "maint.yaml:28: alerts.channels[0].type: found "slak", allowed are slack, webhook, discord, teams, pagerduty, ntfy, email, alertmanager, apprise; did you mean "slack"?",
        "maint.yaml:30: alerts.channels[1].name: the environment variable NOPE is not set",
        "maint.yaml:32: alerts.channels[1].url.file: missing; text is required",
        "maint.yaml:32: alerts.channels[1].url.fil: unknown key; did you mean "file"?",
        "maint.yaml:33: alerts.channels[2].url: the secret cannot be read: ENOENT: no such file or directory, open '/does/not/exist'",
        "maint.yaml:34: alerts.channels[3].url: missing; text or a mapping is required",
        "maint.yaml:35: heartbeat.url: must be an http:// or https:// URL",
        "maint.yaml:37: the key log stands here for the second time",
        "maint.yaml:37: log.level: found "debgu", allowed are trace, debug, info, warn, error, fatal, silent; did you mean "debug"?",
      ]
    `);
    const told = loadConfig(folder.request());
    await expect(told).rejects.toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
    await expect(told).rejects.toThrow(
      `the configuration has ${lines.length} problems:\n  ${file}:1: name: must be lower-case letters`,
    );
  });

  test('of syntax are told with their line, and nothing is guessed about the rest', async ({ folder }) => {
    const file = await folder.write('maint.yaml', 'name: Wrong\ndatabase: {\n  url: "x\n');
    const { problems } = await checkConfig(folder.request());
    expect(problems.map(({ path }) => path)).not.toContain('name');
    expect(problems[0]).toMatchObject({ source: 'file', origin: file, line: expect.any(Number), suggestion: null });
  });

  test('are data for programs', async ({ folder }) => {
    const file = await folder.write('maint.yaml', '\n\nschedul: {}\n');
    expect(await checkConfig(folder.request())).toEqual({
      file,
      config: undefined,
      problems: [
        { source: 'file', origin: file, line: 3, path: 'schedul', message: 'unknown key', suggestion: 'schedule' },
      ],
    });
  });

  test('of a variable hide what the schema thinks of the gap', async ({ folder }) => {
    const file = await folder.write('maint.yaml', 'timezone: ${TZ_NAME}\ndatabase:\n  lockTimeout: ${broken\n');
    await expect(loadConfig(folder.request())).rejects.toThrow(
      [
        'the configuration has 2 problems:',
        `${file}:1: timezone: the environment variable TZ_NAME is not set`,
        `${file}:3: database.lockTimeout: "\${" starts no variable here; write \${NAME}, or $\${ for the characters`,
      ].join('\n  '),
    );
  });

  test('beyond fifty are counted', async ({ folder }) => {
    await folder.write('maint.yaml', Array.from({ length: 60 }, (_, index) => `unknown_key_${index}: 1\n`).join(''));
    await expect(loadConfig(folder.request())).rejects.toThrow(/has 60 problems:(\n.*){50}\n {2}and 10 more$/);
  });

  test('cannot carry control characters to the terminal', async ({ folder }) => {
    await folder.write('maint.yaml', '"\\e[31mred": 1\n');
    await expect(loadConfig(folder.request())).rejects.toThrow(/^[^\p{Cc}]*red[^\p{Cc}]*$/u);
  });
});

describe('a flag', () => {
  const override = (setting: string, value: string | number, flag: string) => ({ task: 'look', setting, value, flag });

  test('is stronger than the file, for its setting alone', async ({ folder }) => {
    await folder.write('maint.yaml', 'tasks: { look: { maxAge: 1h, count: 9 } }\n');
    const config = await loadConfig(folder.request({ overrides: [override('maxAge', '2h', '--max-age')] }));
    expect(config.tasks[0]?.settings).toMatchObject({ maxAge: 7_200_000, count: 9 });
  });

  test('works without a file', async ({ folder }) => {
    const config = await loadConfig(folder.request({ overrides: [override('maxAge', '2h', '--max-age')] }));
    expect(config.tasks[0]?.settings).toMatchObject({ maxAge: 7_200_000, count: 3 });
  });

  test('with a wrong value is a mistake of the command line', async ({ folder }) => {
    const overrides = [override('maxAge', 'soon', '--max-age'), override('count', -1, '--count')];
    await expect(loadConfig(folder.request({ overrides }))).rejects.toMatchObject({
      code: 'USAGE',
      exitCode: 2,
      message: expect.stringMatching(
        /--max-age: tasks.look.maxAge: "soon" is not a duration.*\n.*--count: tasks.look.count: found -1/,
      ),
    });
  });

  test('and the file can both be wrong', async ({ folder }) => {
    const file = await folder.write('maint.yaml', 'nam: x\n');
    const overrides = [override('maxAge', 'soon', '--max-age')];
    const told = loadConfig(folder.request({ overrides }));
    await expect(told).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(told).rejects.toThrow(`--max-age`);
    await expect(told).rejects.toThrow(`${file}:1: nam: unknown key; did you mean "name"?`);
  });

  test('is not filled in from the environment', async ({ folder }) => {
    const overrides = [
      override('paths', 'x', '--path'),
      { ...override('labels', 'x', '--l'), value: { a: '${HOME}' } },
    ];
    const config = await loadConfig(folder.request({ overrides: overrides.slice(1), env: { HOME: '/root' } }));
    expect(config.tasks[0]?.settings).toMatchObject({ labels: { a: '${HOME}' } });
  });
});

describe('a task whose settings cannot be part of the file', () => {
  const base = TASKS[0];
  test.for([
    ['no object', z.string().transform(() => ({})), /look are no z.strictObject/],
    ['a reserved name', z.strictObject({ tier: z.string() }), /a setting of its own named tier/],
  ] as const)('%s is a bug and says so', async ([, settings, message], { folder }) => {
    if (base === undefined) throw new Error('no task');
    const task = defineTask<unknown>({ ...base, settings, plan: async () => [] });
    await expect(loadConfig(folder.request({ tasks: [task] }))).rejects.toThrow(message);
    await expect(loadConfig(folder.request({ tasks: [task] }))).rejects.not.toHaveProperty('code');
  });
});
