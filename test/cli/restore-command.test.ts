import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namesIn } from '../../src/cli/restore-answers.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { SURFACE } from '../support/words.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Every `maint restore …` of a page, as a person would copy it. */
function commandsOf(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, lines = '']) => lines.split('\n'));
  const inline = [...text.matchAll(/`(maint restore[^`]*)`/g)].map(([, words = '']) => words);
  return [...blocks, ...inline]
    .map((line) => line.replace(/ +#.*/, ''))
    .filter((line) => line.startsWith('maint restore') && !line.includes('…'));
}

describe('maint restore', () => {
  const commands = commandsOf('docs/runbooks/restore.md');

  test('stands in the runbook for every case', () => expect(commands.length).toBeGreaterThan(12));

  test.each(commands)('understands `%s`', (command) => {
    const words = command.split(/\s+/).slice(1);
    expect(parseCommandLine(words, SURFACE)).toMatchObject({
      kind: expect.stringMatching(/^restore(-sweep|-files)?$/),
    });
  });

  test('is bare only where nothing but the flags of every command was typed', () => {
    const isBare = (...words: readonly string[]): unknown => parseCommandLine(['restore', ...words], SURFACE);
    expect(isBare('--config', 'maint.yaml')).toMatchObject({ isBare: true });
    expect(isBare('latest')).toMatchObject({ isBare: false });
    expect(isBare('--dry-run')).toMatchObject({ isBare: false });
  });

  test.each([
    [['--table', 'a', '--swap', '--confirm', 'app'], 'no whole database'],
    [['--to', 'postgres://h/a', '--to-env', 'X'], 'contradict'],
    [['--copy', 'x', '--directory', '/y'], 'contradict'],
    [['--sweep', '--keep'], '--sweep does not go with --keep'],
    [['--swap'], 'belong together'],
  ] as const)('refuses %s', (words, message) => {
    expect(() => parseCommandLine(['restore', ...words], SURFACE)).toThrow(message);
  });
});

test.each([
  ['users', ['users']],
  [' app.users , notes,', ['app.users', 'notes']],
  [String.raw`app."Odd, ""x""",y`, [String.raw`app."Odd, ""x"""`, 'y']],
  ['', []],
] as const)('"%s" names %j', (text, names) => {
  expect(namesIn(text)).toEqual(names);
});
