import { inspect } from 'node:util';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { programEnvironment } from '../../src/adapters/program-environment.ts';
import { MaintError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { printConfig } from '../../src/config/print.ts';
import { checkConfig, loadConfig } from '../../src/config/read.ts';
import { test } from '../support/config-folder.ts';

const PLANTED = 'hunter2-Zq9x';

/** The token of the task `look`. */
function tokenOf(settings: unknown): string | undefined {
  const token = typeof settings === 'object' && settings !== null && 'token' in settings ? settings.token : undefined;
  return token instanceof Secret ? token.reveal() : undefined;
}

describe('a secret', () => {
  test('comes from the environment', async ({ folder }) => {
    await folder.write('maint.yaml', 'tasks: { look: { token: "${TOKEN}" } }\n');
    const config = await loadConfig(folder.request({ env: { TOKEN: PLANTED } }));
    expect(tokenOf(config.tasks[0]?.settings)).toBe(PLANTED);
  });

  test('comes from the first line of a file', async ({ folder }) => {
    const file = await folder.write('token', `${PLANTED}\nsecond line\n`);
    await folder.write('maint.yaml', `tasks: { look: { token: { file: ${file} } } }\n`);
    expect(tokenOf((await loadConfig(folder.request())).tasks[0]?.settings)).toBe(PLANTED);
  });

  test('comes from a command', async ({ folder }) => {
    await folder.write('maint.yaml', `tasks: { look: { token: { command: [echo, ${PLANTED}] } } }\n`);
    expect(tokenOf((await loadConfig(folder.request())).tasks[0]?.settings)).toBe(PLANTED);
  });

  test.for([
    ['is one', 'WHOLE', 'tasks: { look: { token: "${WHOLE}" } }'],
    ['is a part of one', 'PART', 'tasks: { look: { token: "Bearer ${PART}" } }'],
    ['leads to the live database', 'HOST', 'database: { url: "postgres://me@${HOST}/app" }'],
  ] as const)(
    'that %s is withheld from commands of the configuration, and what is none is not',
    async ([, name, text], { folder }) => {
      vi.stubEnv(name, PLANTED);
      vi.stubEnv('PLAIN', '/srv/state');
      onTestFinished(() => void vi.unstubAllEnvs());
      await folder.write('maint.yaml', `${text}\nstate: "\${PLAIN}"\n`);
      await loadConfig(folder.request({ env: { [name]: PLANTED, PLAIN: '/srv/state' } }));
      expect(programEnvironment('configured')).not.toHaveProperty(name);
      expect(programEnvironment('configured')).toHaveProperty('PLAIN');
    },
  );

  test('that fills the password of the database URL reaches the connection wrapped', async ({ folder }) => {
    await folder.write('maint.yaml', 'database: { url: "postgres://me:${PW}@db1/app" }\n');
    const { database } = await loadConfig(folder.request({ env: { PW: PLANTED } }));
    expect(database.connection?.password?.reveal()).toBe(PLANTED);
  });

  test.for([
    ['an unset variable', 'token: ${TOKEN}', /:3: tasks\.look\.token: the environment variable TOKEN is not set/],
    ['a missing file', 'token: { file: /does/not/exist }', /:3: tasks\.look\.token: .*\/does\/not\/exist/],
    ['an empty file', 'token: { file: /dev/null }', /:3: tasks\.look\.token: .*\/dev\/null gave an empty secret/],
    ['a failing command', 'token: { command: ["false"] }', /:3: tasks\.look\.token: .*false ended with exit code 1/],
    ['a missing command', 'token: { command: [no-such-x] }', /:3: tasks\.look\.token: .*no-such-x was not found/],
    ['a silent command', 'token: { command: ["true"] }', /:3: tasks\.look\.token: .*true gave an empty secret/],
  ] as const)('from %s is a problem with a line', async ([, line, message], { folder }) => {
    await folder.write('maint.yaml', `tasks:\n  look:\n    ${line}\n`);
    const told = loadConfig(folder.request());
    await expect(told).rejects.toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
    await expect(told).rejects.toThrow(message);
  });
});

describe('a secret is shown nowhere', () => {
  test('by a right configuration', async ({ folder }) => {
    await folder.write('token', PLANTED);
    await folder.write(
      'maint.yaml',
      `database: { url: "postgres://me:\${PW}@db1/app" }
heartbeat: { url: https://ping.example/${PLANTED} }
tasks:
  look:
    token: { file: ${folder.path}/token }
    paths: ['https://me:${PLANTED}@files.example/x', "password=${PLANTED}", "\${PW}"]
    labels: { a: '\${PW}' }
alerts:
  channels:
    - { name: a, type: slack, url: https://hooks.example/${PLANTED} }
    - { name: b, type: webhook, url: { command: [echo, https://hooks.example/${PLANTED}] } }
`,
    );
    const config = await loadConfig(folder.request({ env: { PW: PLANTED } }));
    const { tasks, ...rest } = config;
    const shown = [printConfig(config), JSON.stringify(rest), inspect(rest, { depth: 20, showHidden: true })];
    for (const text of shown) expect(text).not.toContain(PLANTED);
    expect(tasks[0]?.settings).toMatchObject({ labels: { a: PLANTED } });
  });

  const misplaced = [
    'timezone: ${PW}',
    'name: ${PW}',
    'log: { level: "${PW}" }',
    'database: { coordination: "${PW}" }',
    'database: { lockTimeout: "${PW}" }',
    'database: { url: "${PW}" }',
    'database: { url: "postgres://me:${PW}@db1" }',
    'database: { url: "postgres://me:${PW}@db1:x/app" }',
    'database: { url: "postgres://me:x@db1/app?sslmode=${PW}" }',
    'schedule: { daily: "${PW}" }',
    'schedule: { daily: "1 2 3 4 ${PW}" }',
    'schedule: { daily: "${PW} 2 3 4 5" }',
    'tasks: { look: { mode: "${PW}" } }',
    'tasks: { look: { maxAge: "1 ${PW}" } }',
    'alerts: { channels: [{ name: "${PW} ", type: slack, url: "http://x" }] }',
    'alerts: { channels: [{ name: a, type: "${PW}", url: "http://x" }] }',
    'alerts: { channels: [{ name: a, type: slack, url: "${PW}" }] }',
    'heartbeat: { url: "${PW}" }',
    `database: { url: "mysql://me:${PLANTED}@db1/app" }`,
    `database: { url: postgres://me:${PLANTED}@db1/app"\n`,
    `heartbeat: { url: ${PLANTED} }`,
    `heartbeat: { url: "ftp://me:${PLANTED}@x" }`,
    `heartbeat: { url: "${PLANTED} `,
    `heartbeat:\n\turl: ${PLANTED}`,
    `heartbeat: { url: @${PLANTED} }`,
    `heartbeat: { url: %${PLANTED} }`,
    `heartbeat: { url: 'x' ${PLANTED} }`,
    `heartbeat: { url: *${PLANTED} }`,
    `heartbeat: { url: !${PLANTED} x }`,
    `heartbeat: { url: "\\q${PLANTED}" }`,
    `? { url: ${PLANTED} }\n: x`,
    `heartbeat: { https://ping.example/${PLANTED} }`,
    `- x\ny: ${PLANTED}`,
  ];

  test.for(misplaced)('by the error about %s', async (text, { folder }) => {
    const file = await folder.write('maint.yaml', text);
    const request = folder.request({ env: { PW: PLANTED } });
    const error: unknown = await loadConfig(request).catch((caught: unknown) => caught);
    if (!(error instanceof MaintError)) throw new Error('it was accepted', { cause: error });
    expect(error.message).toContain(`${file}:`);
    const { problems } = await checkConfig(request);
    for (const shown of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(problems)])
      for (const piece of [PLANTED, PLANTED.toLowerCase(), 'hunter2', 'Zq9x']) expect(shown).not.toContain(piece);
  });

  test('not even where it is short or strange', async ({ folder }) => {
    await folder.write('maint.yaml', 'tasks: { look: { mode: "${A}", maxAge: "${B}" } }\n');
    const told = loadConfig(folder.request({ env: { A: 'q"\\\n$&x', B: 'z7' } }));
    await expect(told).rejects.toThrow(/mode: found text, allowed are fast, careful/);
    await expect(told).rejects.toThrow(/"\$\{B\}" is not a duration/);
  });

  test('not even a piece of it', async ({ folder }) => {
    await folder.write('maint.yaml', 'schedule: { daily: "${PW} 2 * * *" }\n');
    await expect(loadConfig(folder.request({ env: { PW: '1,90210' } }))).rejects.toThrow(
      /schedule\.daily: what the environment variable PW fills in is not allowed here$/,
    );
  });
});
