import type { Command } from 'commander';
import { TIERS, type Tier } from '../engine/task.ts';
import type { TaskWords } from '../engine/words.ts';
import { COMMANDS, type CommandEntry } from './command-list.ts';
import { examples, roundEpilogue, runEpilogue, taskEpilogue, type Example } from './help.ts';
import type { Invocation } from './invocation.ts';
import { monitorOptions, runOptions, slotOptions, taskNames, taskOption, tasksOption } from './options.ts';
import { readRound, readRun, readVerb } from './read.ts';

/** What the command line is parsed against. */
export interface Surface {
  /** Every task in words. */
  readonly words: readonly TaskWords[];
  /** Version of maint. */
  readonly version: string;
  /** Width of the terminal, for help. */
  readonly columns: number;
}

/** A tree of commands that is being built. */
export interface Building extends Surface {
  /** Takes what a command line asks for. */
  readonly accept: (invocation: Invocation) => void;
  /** Only a command that was typed gets its flags: building those of all takes longer than all the rest. */
  readonly isTyped: (name: string) => boolean;
  /** What was typed right behind a word. */
  readonly wordBehind?: (name: string) => string | undefined;
}

/** Adds a command; `fill`, which adds flags, action and the rest of its help, is left out when nobody typed it. */
export function addCommand(
  parent: Command,
  building: Building,
  { name, alias, group, summary, fill }: Entry & { readonly fill: (command: Command) => void },
): void {
  const command = parent.command(name).helpGroup(group).description(summary).helpCommand(false);
  if (alias !== undefined) command.alias(alias);
  if (building.isTyped(command.name()) || (alias !== undefined && building.isTyped(alias))) fill(command);
}

/** As in the list of commands; the commands below another have a group of their own. */
type Entry = Omit<CommandEntry, 'group'> & { readonly group: string };

/** Shows an example below the flags of a command. */
export function addExample(command: Command, { columns }: Surface, example: Example): void {
  command.addHelpText('after', () => examples([example], columns).join('\n'));
}

/** `maint daily`, `weekly`, `monthly`, `quarterly` and `maint run <task...>`. */
export function addRounds(program: Command, building: Building): void {
  for (const tier of TIERS)
    addCommand(program, building, { ...COMMANDS[tier], fill: (command) => fillRound(command, tier, building) });
  addCommand(program, building, { ...COMMANDS.run, fill: (command) => fillRun(command, building) });
}

function fillRound(command: Command, tier: Tier, { words, columns, accept }: Building): void {
  const names = words.map(({ name }) => name);
  command.addOption(tasksOption('--only <task...>', 'run only these tasks', names));
  command.addOption(tasksOption('--skip <task...>', 'leave these tasks out', names));
  for (const option of [...runOptions(), ...slotOptions()]) command.addOption(option);
  command.addHelpText('after', () => roundEpilogue(tier, words, columns));
  command.action(() => accept(readRound(command, tier)));
}

function fillRun(command: Command, building: Building): void {
  const names = building.words.map(({ name }) => name);
  for (const option of runOptions()) command.addOption(option);
  command.addHelpText('after', () => runEpilogue(building.words, building.columns));
  command.action((words: readonly string[]) =>
    building.accept(
      readRun(
        command,
        words.flatMap((word) => taskNames(word, names)),
      ),
    ),
  );
}

/** The command below the task `prune`. */
export const BELOW_PRUNE = 'restore';

/** A task by its own name: `maint health`. */
export function addVerb(program: Command, building: Building, task: TaskWords): void {
  const { name, summary } = task;
  addCommand(program, building, {
    name,
    group: 'Tasks:',
    summary,
    fill(command) {
      // The flags of a command below it must not be taken for those of a run.
      if (building.wordBehind?.(name) === BELOW_PRUNE) return;
      for (const flag of task.flags) command.addOption(taskOption(flag));
      for (const option of runOptions()) command.addOption(option);
      if (name === 'health') for (const option of monitorOptions()) command.addOption(option);
      command.addHelpText('after', () => taskEpilogue(task, building.columns));
      command.action(() => building.accept(readVerb(command, task)));
    },
  });
}
