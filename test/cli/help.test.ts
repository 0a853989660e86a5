import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-code.ts';
import { buildProgram, parseCommandLine } from '../../src/cli/program.ts';
import { quickAnswer } from '../../src/cli/root-help.ts';
import { taskWords } from '../../src/tasks/words.ts';
import { SURFACE } from '../support/words.ts';

const ROOT = join(import.meta.dirname, '..', '..');

function paths(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...command.commands.flatMap((child) => paths(child, [...path, child.name()]))];
}

function helpOf(path: readonly string[], columns = SURFACE.columns): string {
  const answer = parseCommandLine([...path, '--help'], { ...SURFACE, columns });
  return answer.kind === 'answer' ? answer.text : '';
}

const PATHS = paths(buildProgram({ ...SURFACE, accept: () => undefined, isTyped: () => true }));

describe('--help', () => {
  test.each(PATHS.map((path) => [['maint', ...path].join(' '), path] as const))(
    'of `%s` is as printed',
    async (name, path) => {
      await expect(helpOf(path)).toMatchFileSnapshot(`__snapshots__/help/${name.replaceAll(' ', '-')}.txt`);
    },
  );

  test.each(PATHS.filter((path) => path[0] !== 'help'))('of maint %s %s shows an example', (...path) => {
    const command = path.filter((word) => typeof word === 'string');
    expect(helpOf(command)).toMatch(/Examples?:\n {2}\$ .*maint/);
  });

  test('of the whole shows every exit code and every task', () => {
    const help = helpOf([]);
    for (const { code } of EXIT_CODES) expect(help).toContain(`\n  ${code} `);
    for (const { name, summary } of SURFACE.words) expect(help).toMatch(new RegExp(`${name} +${summary}`));
  });

  test('of a task says when it runs, what it can do, its settings and defaults', () => {
    const help = helpOf(['backup']);
    expect(help).toContain('Runs    daily');
    expect(help).toContain('deletes what the configuration says it may');
    expect(help).toMatch(/level +How hard zstd compresses \(whole number from 1 to 19; default 3\)/);
  });

  test('fits the terminal', () => {
    for (const path of PATHS)
      for (const line of helpOf(path, 80).split('\n'))
        expect(line.length, `${path.join(' ')}: ${line}`).toBeLessThanOrEqual(80);
  });

  test('of the real tasks can be built: no flag is taken twice', () => {
    for (const { name } of taskWords)
      expect(parseCommandLine([name, '--help'], { ...SURFACE, words: taskWords })).toMatchObject({ kind: 'answer' });
  });
});

/** Matches imports that exist at run time; `import type` is erased. */
const IMPORT = /^(?:import|export)\s(?!type\s)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm;

/** Every module that loading a file loads at once. */
function reached(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from = '', bare = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const target = from || bare;
    if (target.startsWith('.')) reached(join(dirname(file), target), seen);
    else seen.add(target);
  }
  return seen;
}

/** What is outside the command line itself, of everything that loading a file loads at once. */
function foreign(file: string): readonly string[] {
  const modules = [...reached(join(ROOT, 'src', 'cli', file))].map((name) => name.replace(`${ROOT}/`, ''));
  const light = /^(src\/(cli|base)\/.*|src\/engine\/(?:task|concern)\.ts|node:(util|path))$/;
  return modules.filter((name) => !light.test(name)).toSorted();
}

describe('the way to help', () => {
  test('loads the words of the tasks and nothing else', () => {
    expect(foreign('main.ts')).toEqual(['src/tasks/words.ts']);
  });

  test('loads commander for anything finer, but no schema, no driver and no task', () => {
    expect(foreign('program.ts')).toEqual(['commander']);
  });

  test('loads none of them by another road either', () => {
    const script = `
      const { registerHooks } = await import('node:module');
      registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
      const { main } = await import('./src/cli/main.ts');
      const sink = { write: () => undefined, isTerminal: false, columns: 80 };
      const code = await main(process.argv.slice(1), { version: '1', stdout: sink, stderr: sink });
      console.log('exit code', code);
    `;
    const loading = (word: string): string =>
      spawnSync(process.execPath, ['--input-type=module', '--eval', script, '--', word], {
        cwd: ROOT,
        encoding: 'utf8',
      }).stdout;
    const heavy = /node_modules\/(?!commander)|src\/(tasks\/(?!words)|config|adapters|alerts|backups|health)/;
    expect(loading('--help')).toMatch(/exit code 0/);
    expect(loading('--help')).not.toMatch(/node_modules/);
    expect(loading('--help')).not.toMatch(heavy);
    expect(loading('helth')).toMatch(/\/commander\/[\s\S]*exit code 2/);
    expect(loading('helth')).not.toMatch(heavy);
  });

  test.each(['--help', '-h', 'help', '--version', '-V'])('says for `maint %s` what the parser says', (word) => {
    expect(quickAnswer([word], SURFACE)).toEqual(parseCommandLine([word], SURFACE));
  });

  test.each([[], ['daily'], ['--help', 'daily'], ['help', 'daily'], ['--hepl']])(
    'leaves %j to the parser',
    (...argv) => {
      expect(
        quickAnswer(
          argv.filter((word) => word !== undefined),
          SURFACE,
        ),
      ).toBeUndefined();
    },
  );
});
