import type { Command, Option } from 'commander';
import type { World } from '../base/world.ts';
import type { TaskWords } from '../engine/words.ts';
import { taskWords } from '../tasks/words.ts';
import { bashScript } from './complete-bash.ts';
import { fishScript } from './complete-fish.ts';
import { zshScript } from './complete-zsh.ts';
import type { Candidate, CompletedFlag, Place, Value } from './complete-places.ts';
import { SHELLS, type Shell } from './invocation.ts';
import { buildProgram } from './program.ts';

const WRITERS: Readonly<Record<Shell, (places: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The script that makes a shell complete commands, flags and tasks; everything it knows is written into it. */
export function completionScript(shell: Shell, words: readonly TaskWords[]): string {
  const program = buildProgram({ words, version: '', columns: 80, accept: () => undefined, isTyped: () => true });
  return WRITERS[shell](placesBelow(program, { path: [], root: program, words }));
}

interface Position {
  readonly path: readonly string[];
  readonly root: Command;
  readonly words: readonly TaskWords[];
}

function placesBelow(command: Command, position: Position): readonly Place[] {
  const help = command.createHelp();
  const flags = [...help.visibleOptions(command), ...(command.parent === null ? [] : position.root.options)];
  const here: Place = {
    path: position.path,
    words: [...candidates(command), ...argumentsOf(command, position)],
    takesFile: command.registeredArguments.some((argument) => argument.name() === 'file'),
    flags: flags.map((option) => completedFlag(option, position.words)),
  };
  const below = command.commands.map((child) => ({ child, path: [...position.path, child.name()] }));
  return [here, ...below.flatMap(({ child, path }) => placesBelow(child, { ...position, path }))];
}

function candidates(command: Command): readonly Candidate[] {
  return command.commands.map((child) => ({ word: child.name(), summary: child.description() }));
}

function argumentsOf(command: Command, { root, words }: Position): readonly Candidate[] {
  const known: Readonly<Record<string, readonly Candidate[]>> = {
    task: tasks(words),
    shell: SHELLS.map((word) => ({ word, summary: `for ${word}` })),
    command: candidates(root),
  };
  return command.registeredArguments.flatMap((argument) => known[argument.name()] ?? []);
}

function tasks(words: readonly TaskWords[]): readonly Candidate[] {
  return words.map(({ name, summary }) => ({ word: name, summary }));
}

function completedFlag(option: Option, words: readonly TaskWords[]): CompletedFlag {
  return {
    word: option.long ?? option.flags,
    short: option.short,
    summary: option.description,
    value: valueOf(option, words),
  };
}

function valueOf({ flags, argChoices }: Option, words: readonly TaskWords[]): Value {
  if (argChoices !== undefined) return { kind: 'word', words: argChoices };
  if (flags.includes('<task...>')) return { kind: 'words', words: words.map(({ name }) => name) };
  if (/<(file|path)>/.test(flags)) return { kind: 'file' };
  if (flags.includes('<dir>')) return { kind: 'directory' };
  return { kind: flags.includes('<') ? 'anything' : 'nothing' };
}

/** `maint completion`. @returns the exit code */
export function completionCommand({ shell }: { readonly shell: Shell }, { stdout }: Pick<World, 'stdout'>): number {
  stdout.write(completionScript(shell, taskWords));
  return 0;
}
