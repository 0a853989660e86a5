import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { stringify } from 'yaml';
import { MaintError } from '../../src/base/errors.ts';
import { loadConfig } from '../../src/config/read.ts';
import { test, type ConfigFolder } from '../support/config-folder.ts';

const PLANTED = 'hunter2-Zq9x';

/** Nothing in it is wrong, and every kind of setting occurs. */
const GOOD = {
  name: 'shop',
  database: { url: `postgres://me:${PLANTED}@db1/app`, connectTimeout: '3s', coordination: 'off' },
  state: '/var/lib/maint',
  timezone: 'Europe/Berlin',
  schedule: { daily: '5 4 * * *', quarterly: '5 4 1 1 *' },
  programs: { directories: ['/opt/bin'] },
  tasks: {
    look: { enabled: false, tier: 'weekly', deadline: '2h', maxAge: '1h', share: 0.5, mode: 'careful', paths: ['/x'] },
    tidy: { warnAt: 1, failAt: 2 },
  },
  alerts: { on: 'warn', channels: [{ name: 'ops', type: 'slack', url: `https://hooks.example/${PLANTED}` }] },
  heartbeat: { url: `https://ping.example/${PLANTED}` },
  log: { level: 'debug' },
};

/** Loads a text and insists on a good refusal: a MaintError with exit code 2 that names a line or a key, and no secret. */
async function refusal(folder: ConfigFolder, content: string | Uint8Array): Promise<MaintError> {
  const file = await folder.write('maint.yaml', content);
  const error: unknown = await loadConfig(folder.request({ env: { PW: PLANTED } })).catch((caught: unknown) => caught);
  if (!(error instanceof MaintError)) throw new Error('accepted, or crashed', { cause: error });
  expect(error.exitCode).toBe(2);
  expect(error.message).toContain(file);
  expect(error.message).toMatch(/maint\.yaml:\d+: /);
  expect(error.message).not.toMatch(/hunter2|\n\s+at |\[object |undefined|NaN/);
  expect(error.message.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  return error;
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const bomb = Array.from({ length: 9 }, (_, level) => {
  const items =
    level === 0 ? Array.from({ length: 9 }, () => 'lol') : Array.from({ length: 9 }, () => `*a${level - 1}`);
  return `a${level}: &a${level} [${items.join(', ')}]\n`;
}).join('');

/** What is wrong, the text, and what the message must say. */
const BY_HAND: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ['an empty file', '', /:1: the file is empty/],
  ['only blanks', ' \n\n', /:1: the file is empty/],
  ['only a comment', '# later\n', /:1: the file is empty/],
  ['only a document marker', '---\n', /:1: the file is empty/],
  ['null', 'null\n', /:1: the file is empty/],
  ['a list at the top', '- name: x\n', /:1: found a list, allowed is a mapping/],
  ['an empty list', '[]', /:1: found a list/],
  ['a word', 'maint\n', /:1: found text/],
  ['a number', '42\n', /:1: found a number/],
  ['true', 'true\n', /:1: found true or false/],
  ['a JSON string', '"name"', /:1: found text/],
  ['two documents', 'name: a\n---\nname: b\n', /:2: a second document starts here/],
  ['a tab as indentation', 'database:\n\tlockTimeout: 1s\n', /:2: tabs are not allowed/],
  ['an open list', 'programs: { directories: [/a, /b }\n', /:1: /],
  ['an open mapping', 'name: a\ndatabase: {\n', /:\d: /],
  ['an open quote', 'name: "shop\n', /:\d: missing closing/],
  ['an open single quote', "name: 'shop\n", /:\d: missing closing/],
  ['a reserved @', 'name: @shop\n', /:1: plain value cannot start/],
  ['a reserved backtick', 'name: `shop`\n', /:1: plain value cannot start/],
  ['a percent sign', 'name: %shop\n', /:1: plain value cannot start/],
  ['an unknown escape', 'name: "\\q"\n', /:1: invalid escape/],
  ['a colon too many', 'name: a: b\n', /:1: nested mappings/],
  ['text after a quoted value', "name: 'a' b\n", /:1: unexpected scalar/],
  ['wrong indentation', 'database:\n   lockTimeout: 1s\n  url: x\n', /:3: /],
  ['a key without a colon', 'name: a\nstate\n', /:2: /],
  ['a list item in a mapping', 'name: a\n- b\n', /:2: /],
  ['an unknown tag', 'name: !!js/function "x"\n', /:1: .*YAML tag/],
  ['a binary tag', 'name: !!binary aGk=\n', /:1: name: found something that is no plain data/],
  ['an unset anchor', 'name: *gone\n', /:1: this anchor is not set/],
  ['an anchor within itself', 'tasks: &a { look: *a }\n', /:1: this anchor contains itself/],
  ['an anchor bomb', bomb, /:\d: anchors are repeated more than 100 times/],
  ['sixty thousand aliases', `x: &x 1\ny: [${'*x ,'.repeat(60_000)}]\n`, /:2: anchors are repeated/],
  ['a list as a key', '? [a, b]\n: c\n', /:1: a key must be a word/],
  ['a mapping as a key', '{ a: 1 }: 2\n', /:1: a key must be a word/],
  ['an empty key', ': x\n', /:1: "": unknown key/],
  ['a merge key', 'x: &x { daily: 1 2 * * * }\nschedule:\n  <<: *x\n', /:3: schedule\."<<": unknown key/],
  ['the key __proto__', '__proto__: { name: a }\n', /:1: __proto__: unknown key/],
  ['the key __proto__ deep inside', 'tasks:\n  look: { __proto__: { share: 1 } }\n', /:2: tasks\.look\.__proto__: /],
  ['the key constructor', 'constructor: 1\n', /:1: constructor: unknown key/],
  ['the key toString as a task', 'tasks: { toString: {} }\n', /:1: tasks\.toString: unknown key/],
  ['a number as a key', '1: 2\n', /:1: "?1"?: unknown key/],
  ['a key twice', 'name: a\nname: b\n', /:2: the key name stands here for the second time/],
  ['a key twice in JSON', '{ "name": "a",\n "name": "a" }', /:2: the key name/],
  ['a deep key twice', 'tasks:\n  look:\n    count: 1\n    count: 2\n', /:4: the key count/],
  ['a key twice, once in quotes', 'name: a\n"name": b\n', /:2: the key name/],
  ['JSON with a comma too many', '{ "name": "a",, }', /:1: /],
  ['JSON cut off', '{ "name": "a", "database": { "url": "po', /:1: /],
  ['a long key', `${'k'.repeat(900)}: 1\n`, /:1: "?k{60}"?: unknown key/],
  ['a longer key', `${'k'.repeat(5_000)}: 1\n`, /:1: /],
  ['a long file', `# ${'x'.repeat(300_000)}\nname: a\n`, /:1: longer than/],
  ['ten thousand unknown keys', Array.from({ length: 10_000 }, (_, i) => `k${i}: 1\n`).join(''), /:1: k0: unknown key/],
  ['deep nesting', '['.repeat(50_000), /:1: /],
  ['deep blocks', Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''), /:1: a: unknown key/],
  ['a null byte', 'name: a\nstate: "x\0y"\n', /:2: holds the control character U\+0000/],
  ['an escape byte', 'name: a\u001b[31m\n', /:1: holds the control character U\+001b/],
  ['a null byte by escape', 'timezone: "a\\0b"\n', /:1: timezone: "…" is no time zone/],
  ['a terminal code by escape', 'timezone: "\\e[31mUTC"\n', /:1: timezone: "…" is no time zone/],
  ['random bytes', bytes(0x80, 0xff, 0x00, 0xc3, 0x28, 0x0a), /:1: this is no UTF-8 text/],
  ['a gzip file', bytes(0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00), /:1: holds the control character U\+001f/],
  ['an ELF file', bytes(0x7f, 0x45, 0x4c, 0x46, 0x02, 0x01, 0x01, 0x00), /:1: holds the control character U\+007f/],
  ['Latin-1', bytes(0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xe4, 0x0a), /:1: this is no UTF-8 text/],
  ['UTF-16 that says nothing', bytes(0xff, 0xfe, 0x0a, 0x00), /:1: the file is empty/],
  ['a byte order mark alone', '\uFEFF', /:1: the file is empty/],
  ['an unknown key', 'nmae: a\n', /:1: nmae: unknown key; did you mean "name"\?/],
  ['an unknown key far from all', 'zzzzzz: a\n', /:1: zzzzzz: unknown key; allowed are \$schema, name, database/],
  ['an unknown task', 'tasks: { lok: {} }\n', /:1: tasks\.lok: unknown key; did you mean "look"\?/],
  ['an unknown setting', 'tasks:\n  look:\n    maxage: 1h\n', /:3: tasks\.look\.maxage: .*did you mean "maxAge"\?/],
  ['an unknown tier', 'schedule:\n  yearly: 1 2 3 4 5\n', /:2: schedule\.yearly: unknown key/],
  ['a key on the wrong floor', 'url: x\n', /:1: url: unknown key/],
  ['nothing where a block goes', 'database:\nname: a\n', /:1: database: found nothing, allowed is a mapping/],
  ['nothing where a task goes', 'tasks:\n  look:\n', /:2: tasks\.look: found nothing/],
  ['text where a block goes', 'database: postgres://x/y\n', /:1: database: found text, allowed is a mapping/],
  ['a list where a block goes', 'tasks: [look]\n', /:1: tasks: found a list, allowed is a mapping/],
  ['true where a task goes', 'tasks: { look: true }\n', /:1: tasks\.look: found true or false/],
  ['an upper-case name', 'name: Shop\n', /:1: name: must be lower-case/],
  ['an empty name', 'name: ""\n', /:1: name: must be/],
  ['a name that is a number', 'name: 5\n', /:1: name: found a number, allowed is text/],
  ['a name with a line break', 'name: "a\\nb"\n', /:1: name: must be/],
  ['a name with a slash', 'name: ../x\n', /:1: name: must be/],
  ['an empty state directory', 'state: ""\n', /:1: state: .*at least 1 character/],
  [
    'a URL of another database',
    'database: { url: "mysql://a@b/c" }\n',
    /:1: database\.url: the database URL cannot be read/,
  ],
  ['a URL without a database', 'database: { url: postgres://a@b }\n', /:1: database\.url: .*names no database/],
  ['a URL without a user', 'database: { url: postgres://b/c }\n', /:1: database\.url: .*names no user/],
  ['a URL with a wild port', 'database: { url: "postgres://a@b:99999/c" }\n', /:1: database\.url: /],
  ['a URL with a broken percent', 'database: { url: "postgres://a:%zz@b/c" }\n', /:1: database\.url: .*percent/],
  ['a URL with a wild sslmode', 'database: { url: "postgres://a@b/c?sslmode=x" }\n', /:1: database\.url: .*sslmode/],
  ['a URL that is empty', 'database: { url: "" }\n', /:1: database\.url: .*at least 1 character/],
  ['a URL that is nothing', 'database: { url: }\n', /:1: database\.url: found nothing, allowed is text or a mapping/],
  ['a URL that is a list', 'database: { url: [a] }\n', /:1: database\.url: found a list/],
  ['a secret from nowhere', 'database: { url: {} }\n', /:1: database\.url\.(file|command): missing/],
  [
    'a secret from two places',
    'database: { url: { file: /a, command: [b] } }\n',
    /:1: database\.url\.\w+: unknown key/,
  ],
  ['an empty command', 'database: { url: { command: [] } }\n', /:1: database\.url\.command: .*at least 1 entr/],
  ['an unset variable', 'name: a\nstate: ${NOT_THERE}\n', /:2: state: the environment variable NOT_THERE is not set/],
  ['a variable with a default', 'state: "${A:-b}"\n', /:1: state: .*starts no variable/],
  ['a variable without an end', 'state: "${A"\n', /:1: state: .*starts no variable/],
  ['a variable without a name', 'state: "${}"\n', /:1: state: .*starts no variable/],
  [
    'an unset variable deep in a list',
    'tasks:\n  look:\n    paths:\n      - a\n      - ${B}\n',
    /:5: tasks\.look\.paths\[1\]: /,
  ],
  ['a duration without a unit', 'database: { lockTimeout: "5" }\n', /:1: database\.lockTimeout: "5" is not a duration/],
  [
    'a duration as a number',
    'database: { lockTimeout: 5 }\n',
    /:1: database\.lockTimeout: found a number, allowed is text/,
  ],
  ['a negative duration', 'database: { lockTimeout: -5s }\n', /:1: database\.lockTimeout: "-5s" is not a duration/],
  ['no duration at all', 'database: { lockTimeout: 0s }\n', /:1: database\.lockTimeout: "0s" is not a duration/],
  ['a huge duration', `database: { lockTimeout: ${'9'.repeat(400)}d }\n`, /:1: database\.lockTimeout: "…" is not/],
  [
    'a wrong choice',
    'database: { coordination: auot }\n',
    /:1: database\.coordination: found "auot".*did you mean "auto"\?/,
  ],
  [
    'a choice as a boolean',
    'database: { coordination: false }\n',
    /:1: database\.coordination: found true or false, allowed are auto, off/,
  ],
  ['a wrong log level', 'log: { level: verbose }\n', /:1: log\.level: found "verbose", allowed are trace, debug/],
  ['a time zone from Mars', 'timezone: Mars/Base\n', /:1: timezone: "Mars\/Base" is no time zone/],
  ['an offset as a time zone', 'timezone: "+02:00"\n', /:1: timezone: "\+02:00" is no time zone/],
  ['an empty time zone', 'timezone: ""\n', /:1: timezone: "" is no time zone/],
  ['a schedule of four fields', 'schedule: { daily: 1 2 * * }\n', /:1: schedule\.daily: .*does not have five fields/],
  [
    'a schedule of six fields',
    'schedule: { daily: 1 2 3 * * * }\n',
    /:1: schedule\.daily: .*does not have five fields/,
  ],
  ['a schedule with minute 60', 'schedule: { daily: 60 2 * * * }\n', /:1: schedule\.daily: .*minute: 60/],
  ['a schedule in words', 'schedule: { daily: every day at three o-clock }\n', /:1: schedule\.daily: /],
  ['a schedule by nickname', 'schedule: { daily: "@daily" }\n', /:1: schedule\.daily: .*five fields/],
  ['a schedule that never comes', 'schedule: { daily: 0 0 30 2 * }\n', /:1: schedule\.daily: .*never comes/],
  ['a schedule that starts with a star', 'schedule: { daily: * * * * * }\n', /:1: /],
  ['an empty schedule', 'schedule: { daily: "" }\n', /:1: schedule\.daily: .*five fields/],
  ['a huge number', 'tasks: { look: { count: 1e400 } }\n', /:1: tasks\.look\.count: /],
  ['a number beyond safety', 'tasks: { look: { count: 99999999999999999999 } }\n', /:1: tasks\.look\.count: .*at most/],
  ['infinity', 'tasks: { look: { share: .inf } }\n', /:1: tasks\.look\.share: /],
  ['not a number', 'tasks: { look: { share: .nan } }\n', /:1: tasks\.look\.share: /],
  ['a share above one', 'tasks: { look: { share: 80 } }\n', /:1: tasks\.look\.share: found 80, allowed is at most 1/],
  ['a share below zero', 'tasks: { look: { share: -1 } }\n', /:1: tasks\.look\.share: found -1, allowed is at least 0/],
  [
    'a share in percent',
    'tasks: { look: { share: 80% } }\n',
    /:1: tasks\.look\.share: found text, allowed is a number/,
  ],
  ['no count', 'tasks: { look: { count: 0 } }\n', /:1: tasks\.look\.count: found 0, allowed is .*0/],
  ['a count in words', 'tasks: { look: { count: three } }\n', /:1: tasks\.look\.count: found text/],
  ['half a count', 'tasks: { look: { count: 1.5 } }\n', /:1: tasks\.look\.count: .*a whole number/],
  ['yes', 'tasks: { look: { enabled: yes } }\n', /:1: tasks\.look\.enabled: found text, allowed is true or false/],
  ['enabled as a number', 'tasks: { look: { enabled: 1 } }\n', /:1: tasks\.look\.enabled: found a number/],
  ['a wrong tier', 'tasks: { look: { tier: dayly } }\n', /:1: tasks\.look\.tier: .*did you mean "daily"\?/],
  ['a wrong deadline', 'tasks: { look: { deadline: soon } }\n', /:1: tasks\.look\.deadline: "soon" is not a duration/],
  [
    'text where a list goes',
    'tasks: { look: { paths: /x } }\n',
    /:1: tasks\.look\.paths: found text, allowed is a list/,
  ],
  ['a mapping where a list goes', 'tasks: { look: { paths: { a: b } } }\n', /:1: tasks\.look\.paths: found a mapping/],
  ['a list in a list', 'tasks: { look: { paths: [[/x]] } }\n', /:1: tasks\.look\.paths\[0\]: found a list/],
  [
    'nothing in a list',
    'tasks:\n  look:\n    paths:\n      - a\n      -\n',
    /:5: tasks\.look\.paths\[1\]: found nothing/,
  ],
  ['a number in a record', 'tasks: { look: { labels: { a: 1 } } }\n', /:1: tasks\.look\.labels\.a: found a number/],
  [
    'a list where a record goes',
    'tasks: { look: { labels: [a] } }\n',
    /:1: tasks\.look\.labels: found a list, allowed is a mapping/,
  ],
  [
    'settings that contradict',
    'name: a\ntasks:\n  tidy: { warnAt: 3 }\n',
    /:3: tasks\.tidy: warnAt must not be above failAt/,
  ],
  [
    'an empty program directory',
    'programs: { directories: [""] }\n',
    /:1: programs\.directories\[0\]: .*at least 1 char/,
  ],
  [
    'a channel without a type',
    'alerts: { channels: [{ name: a }] }\n',
    /:1: alerts\.channels\[0\]\.type: missing; allowed are slack/,
  ],
  [
    'a channel of a wild type',
    'alerts: { channels: [{ name: a, type: pigeon }] }\n',
    /found "pigeon", allowed are slack, webhook/,
  ],
  ['a channel that is text', 'alerts: { channels: [ops] }\n', /:1: alerts\.channels\[0\]: found text/],
  [
    'channels that are no list',
    'alerts: { channels: { a: b } }\n',
    /:1: alerts\.channels: found a mapping, allowed is a list/,
  ],
  [
    'a channel without a URL',
    'alerts: { channels: [{ name: a, type: slack }] }\n',
    /:1: alerts\.channels\[0\]\.url: missing/,
  ],
  ['a heartbeat without a URL', 'heartbeat: {}\n', /:1: heartbeat\.url: missing; text or a mapping is required/],
  ['a heartbeat that is text', 'heartbeat: https://x\n', /:1: heartbeat: found text, allowed is a mapping/],
  ['a heartbeat by mail', 'heartbeat: { url: "mailto:me@x" }\n', /:1: heartbeat\.url: must be an http/],
];

describe('a malformed file is refused in words', () => {
  test.for(BY_HAND)('%s', async ([, content, message], { folder }) => {
    expect((await refusal(folder, content)).message).toMatch(message);
  });

  test('the file they were made from is right', async ({ folder }) => {
    await folder.write('maint.yaml', stringify(GOOD));
    expect((await loadConfig(folder.request())).project).toBe('shop');
  });
});

type Tree = { [key: string]: unknown } | unknown[];
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

/** Every place of the good file, as keys from the top. */
function places(tree: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (!isTree(tree)) return [path];
  return [path, ...Object.entries(tree).flatMap(([key, value]) => places(value, [...path, key]))];
}

/** A copy of the tree with another value at one place. */
function changed(tree: unknown, [key, ...rest]: readonly string[], change: (value: unknown) => unknown): unknown {
  if (key === undefined) return change(tree);
  const entries = isTree(tree) ? Object.entries(tree) : [];
  const next = entries.map(([name, value]) => [name, name === key ? changed(value, rest, change) : value] as const);
  return Array.isArray(tree) ? next.map(([, value]) => value) : Object.fromEntries(next);
}

const mappings = places(GOOD).filter((path) => {
  const value = path.reduce<unknown>(
    (tree, key) => (isTree(tree) ? Object.entries(tree).find(([k]) => k === key)?.[1] : undefined),
    GOOD,
  );
  return isTree(value) && !Array.isArray(value);
});

describe('a good file with one mistake', () => {
  test('of kind is refused: no setting takes a list of numbers', async ({ folder }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places(GOOD)),
        fc.array(fc.double(), { minLength: 1 }),
        async (path, wrong) => {
          const { message } = await refusal(folder, stringify(changed(GOOD, path, () => wrong)));
          for (const key of path.filter((word) => !/^\d+$/.test(word))) expect(message).toContain(key);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('of a key too many is refused, and the key named', async ({ folder }) => {
    const key = fc.stringMatching(/^x[a-zA-Z_-]{8,20}$/);
    // A variable that cannot be filled in is a mistake of its own, and told first.
    const value = fc.jsonValue().filter((one) => !JSON.stringify(one).includes('${'));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...mappings), key, value, async (path, name, any) => {
        const add = (old: unknown): unknown => (isTree(old) ? { ...old, [name]: any } : old);
        const { message } = await refusal(folder, stringify(changed(GOOD, path, add)));
        expect(message).toContain(`${[...path, name].join('.').replace(/\.(\d+)\./g, '[$1].')}: unknown key`);
      }),
      { numRuns: 60 },
    );
  });

  test('of a line twice is refused', async ({ folder }) => {
    const lines = stringify(GOOD).split('\n');
    const plain = lines.flatMap((line, index) => (/^ *\w+: \S/.test(line) ? [index] : []));
    for (const index of plain) {
      const { message } = await refusal(folder, lines.toSpliced(index, 0, lines[index] ?? '').join('\n'));
      expect(message).toMatch(new RegExp(`:${index + 2}: the key \\w+ stands here for the second time`));
    }
  });
});

/** Loads whatever it is; only a configuration or a good refusal may come of it. */
async function survives(folder: ConfigFolder, content: string | Uint8Array): Promise<void> {
  const file = await folder.write('maint.yaml', content);
  const request = folder.request({ env: { PW: PLANTED } });
  const result: unknown = await loadConfig(request).catch((caught: unknown) => caught);
  if (result instanceof Error) {
    if (!(result instanceof MaintError)) throw new Error('crashed', { cause: result });
    expect(result).toMatchObject({ exitCode: 2, message: expect.stringContaining(`${file}:`) });
    expect(result.message).not.toContain(PLANTED);
  }
}

describe('whatever the file holds, there is a configuration or a refusal', () => {
  const good = stringify(GOOD).replaceAll(PLANTED, '${PW}');

  test('with characters changed, added or cut', async ({ folder }) => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.constantFrom(
        '\t',
        '"',
        "'",
        '{',
        '[',
        ']',
        '}',
        ':',
        '- ',
        '# ',
        '&a ',
        '*a',
        '!',
        '|',
        '>',
        '\n',
        '\0',
        '? ',
        '%',
        '---\n',
        '${',
        '\uD800',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length), fc.nat(20), piece, async (at, cut, added) => {
        await survives(folder, good.slice(0, at) + added + good.slice(at + cut));
      }),
      { numRuns: 200 },
    );
  });

  test('with any JSON', async ({ folder }) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places(GOOD)), fc.jsonValue(), async (path, value) => {
        await survives(folder, JSON.stringify(changed(GOOD, path, () => value)));
      }),
      { numRuns: 200 },
    );
  });

  test('with any bytes', async ({ folder }) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (content) => survives(folder, content)),
      { numRuns: 200 },
    );
  });
});
