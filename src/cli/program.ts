import { Command, CommanderError, Option } from 'commander';
import { COMMANDS, COMMON_FLAGS, HELP_FLAG, VERSION_FLAG } from './command-list.ts';
import { fillBackups } from './backups-commands.ts';
import { addCommand, addRounds, addVerb, type Building, type Surface } from './commands.ts';
import type { Invocation } from './invocation.ts';
import { valueOption } from './options.ts';
import { addLooks, addSetUp } from './own-commands.ts';
import { addRestore } from './restore-command.ts';
import { addPruneRestore } from './prune-commands.ts';
import { addSchedule } from './schedule-commands.ts';
import { rootHelp } from './root-help.ts';
import { commandNames, translate, unknownWord } from './usage.ts';

/**
 * Turns the words after `maint` into what they ask for. Touches nothing, prints nothing, never ends the process.
 * @throws MaintError USAGE that names the word
 */
export function parseCommandLine(argv: readonly string[], surface: Surface): Invocation {
  const written: string[] = [];
  const accepted: Invocation[] = [];
  const program = buildProgram({
    ...surface,
    accept: (invocation) => accepted.push(invocation),
    isTyped: (name) => argv.includes(name),
    wordBehind: (name) => argv[argv.indexOf(name) + 1],
  });
  captureOutput(program, surface.columns, written);
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return accepted[0] ?? { kind: 'answer', text: written.join('') };
}

/** The tree of commands. Completion reads it too. */
export function buildProgram(building: Building): Command {
  const program = new Command('maint')
    .version(building.version, ...VERSION_FLAG)
    .helpOption(...HELP_FLAG)
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, styleTitle, styleUsage, subcommandTerm });
  for (const [flags, summary] of COMMON_FLAGS)
    program.addOption(flags.includes('<') ? valueOption(flags, summary) : new Option(flags, summary));
  program.helpInformation = () => rootHelp(building.words, building.columns);
  addRounds(program, building);
  for (const task of building.words) addVerb(program, building, task);
  addPruneRestore(program, building);
  addSchedule(program, building);
  addRestore(program, building);
  addCommand(program, building, { ...COMMANDS.backups, fill: (command) => fillBackups(command, building) });
  addLooks(program, building);
  addSetUp(program, building);
  addHelpCommand(program, building);
  return program;
}

/** `maint help config check` is `maint config check --help`. */
function addHelpCommand(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.help,
    fill: (help) => help.action((path: readonly string[]) => commandAt(program, path).outputHelp()),
  });
}

function commandAt(program: Command, path: readonly string[]): Command {
  let command = program;
  for (const word of path) {
    const next = command.commands.find((each) => [each.name(), ...each.aliases()].includes(word));
    if (next === undefined) throw unknownWord('command', word, commandNames(command));
    command = next;
  }
  return command;
}

/** Keeps commander from printing and from ending the process; what it finds wrong is thrown in maint's own words. */
function captureOutput(command: Command, columns: number, written: string[]): void {
  command.configureOutput({
    writeOut: (text) => written.push(text),
    outputError: () => undefined,
    writeErr: () => undefined,
    getOutHelpWidth: () => columns,
    getOutHasColors: () => false,
  });
  command.exitOverride((error) => {
    const isMisspelt = command.commands.length > 0 && command.args[0]?.startsWith('-') === false;
    if (error.exitCode === 0 && !isMisspelt) throw error;
    throw translate(error, command);
  });
  for (const child of command.commands) captureOutput(child, columns, written);
}

function styleTitle(title: string): string {
  return title.replace('Global Options:', 'Flags of every command:').replace('Options:', 'Flags:');
}

function styleUsage(usage: string): string {
  return usage.replaceAll('[options]', '[flags]');
}

function subcommandTerm(command: Command): string {
  return command.name();
}
