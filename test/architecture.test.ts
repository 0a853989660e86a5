import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tasks } from '../src/tasks/index.ts';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** Rooms by floor, lowest first. Trades share a floor and never import each other. */
const FLOORS = [
  ['base'],
  ['adapters'],
  ['engine'],
  ['alerts', 'backups', 'certificates', 'cleaning', 'health', 'retention', 'schedule'],
  ['tasks'],
  ['config'],
  ['cli'],
];

/** Modules that appear in one room only. */
const AT_HOME: Readonly<Record<string, string>> = {
  commander: 'cli',
  pino: 'cli',
  cosmiconfig: 'config',
  yaml: 'config',
  pg: 'adapters',
  execa: 'adapters',
  'age-encryption': 'adapters',
  tar: 'adapters',
  'tar/header': 'adapters',
  'tar/pax': 'adapters',
  ...Object.fromEntries(
    [
      'fs',
      'fs/promises',
      'sqlite',
      'process',
      'child_process',
      'dns/promises',
      'net',
      'tls',
      'http',
      'https',
      'zlib',
      'os',
      'stream',
      'stream/promises',
    ].map((name) => [`node:${name}`, 'adapters']),
  ),
};

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const textOf = (file: string): string => readFileSync(join(SRC, file), 'utf8');
const roomOf = (file: string): string => file.split('/')[0] ?? '';
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));

/** The task a file belongs to: `backup.ts` declares it, `backup/` holds what it does. */
const taskOf = (file: string): string => (file.split('/')[1] ?? '').replace(/\.ts$/, '');

/** Code without comments and texts, so that a word in a sentence is not taken for code. */
function codeOf(file: string): string {
  return textOf(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, `''`)
    .replaceAll(/`(?:[^`\\$]|\\.|\$(?!\{)|\$\{[^}]*\})*`/g, (text) =>
      [...text.matchAll(/\$\{([^}]*)\}/g)].map(([, hole]) => hole).join(' '),
    );
}

const IMPORT = /^(?:import|export)\s[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;

function importsOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(IMPORT)].map(([, from, bare, lazy]) => from ?? bare ?? lazy ?? '');
}

const planOf = (file: string): string => file.replace(/\.ts$/, '/plan.ts');

/** What a file brings with it as soon as it is loaded. */
function valuesOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(/^(?:import|export)\s(?!type\s)[^'"]*?from\s+'([^']+)'/gm)].map(
    ([, target = '']) => target,
  );
}

function closureOf(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const target of valuesOf(file).filter((each) => each.startsWith('.')))
    closureOf(relative(SRC, join(SRC, dirname(file), target)), seen);
  return seen;
}

describe('the house', () => {
  test('has no room outside the plan', () => {
    expect(files.filter((file) => floorOf(file) === -1)).toEqual([]);
  });

  test('is climbed downstairs only', () => {
    const climbs = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith('.'))
        .map((target) => relative(SRC, join(SRC, dirname(file), target)))
        .filter((target) => {
          const isTrade = floorOf(file) === 3 && floorOf(target) === 3 && roomOf(file) !== roomOf(target);
          const isTask =
            roomOf(file) === 'tasks' &&
            roomOf(target) === 'tasks' &&
            taskOf(file) !== taskOf(target) &&
            !/(index|words)\.ts$/.test(file);
          return floorOf(target) > floorOf(file) || isTrade || isTask;
        })
        .map((target) => `${file} imports ${target}`),
    );
    expect(climbs).toEqual([]);
  });

  test('keeps each driver in its room', () => {
    const strays = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => AT_HOME[target] !== undefined && AT_HOME[target] !== roomOf(file))
        .map((target) => `${file} imports ${target}`),
    );
    expect(strays).toEqual([]);
  });

  test('declares a task with a folder without what it works with: every command loads every declaration', () => {
    const declarations = files.filter((file) => roomOf(file) === 'tasks' && files.includes(planOf(file)));
    expect(declarations).not.toEqual([]);
    // The configuration reads secrets with it before anything else.
    const always = closureOf('adapters/connection-setting.ts');
    const heavy = declarations.flatMap((file) =>
      [...closureOf(file)]
        .filter((each) => !always.has(each))
        .filter((each) => valuesOf(each).some((target) => /^node:(?:fs|child_process|net|tls|http)/.test(target)))
        .map((each) => `${file} brings ${each}`),
    );
    expect(heavy).toEqual([]);
  });

  test('names built-in modules with node:', () => {
    const bare = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => builtinModules.includes(target) && !target.startsWith('node:'))
        .map((target) => `${file}: ${target}`),
    );
    expect(bare).toEqual([]);
  });

  test('takes process, console and the clock from the world that is handed in', () => {
    const reaching = files.filter((file) =>
      /\bprocess\.|\bconsole\.|\bDate\.now\(|new Date\(\)/.test(codeOf(file).replaceAll('world.process.', '')),
    );
    expect(reaching).toEqual([]);
  });

  test('uses performance.now() for durations inside adapters only', () => {
    expect(files.filter((file) => codeOf(file).includes('performance.now') && roomOf(file) !== 'adapters')).toEqual([]);
  });

  test('reveals a secret in adapters only', () => {
    expect(files.filter((file) => codeOf(file).includes('.reveal()') && roomOf(file) !== 'adapters')).toEqual([]);
  });
});

describe('the list of tasks', () => {
  test('names every task file, under its own name', () => {
    const known = tasks.map(({ name }) => `tasks/${name}.ts`).toSorted();
    const there = files
      .filter((file) => roomOf(file) === 'tasks' && !/(index|words|\/plan)\.ts$/.test(file))
      .toSorted();
    expect(known, 'add the task to src/tasks/index.ts').toEqual(there);
  });
});
