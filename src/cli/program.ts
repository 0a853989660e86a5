import { Command, CommanderError, Option, type Argument } from 'commander';
import { addLooks, addRounds, addSetUp, addVerb, type Accept, type Surface } from './commands.ts';
import { rootEpilogue } from './help.ts';
import type { Invocation } from './invocation.ts';
import { valueOption } from './options.ts';
import { commandNames, translate, unknownWord } from './usage.ts';

/**
 * Turns the words after `maint` into what they ask for. Touches nothing, prints nothing, never ends the process.
 * @throws MaintError USAGE that names the word
 */
export function parseCommandLine(argv: readonly string[], surface: Surface): Invocation {
  const written: string[] = [];
  const accepted: Invocation[] = [];
  const program = buildProgram(surface, (invocation) => accepted.push(invocation));
  captureOutput(program, surface.columns, written);
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return accepted[0] ?? { kind: 'answer', text: written.join('') };
}

/** The tree of commands. Completion reads it too. */
export function buildProgram(surface: Surface, accept: Accept): Command {
  const program = new Command('maint')
    .description('Keeps PostgreSQL-backed production systems healthy.')
    .usage('[flags] <command>')
    .version(surface.version, '-V, --version', 'print the version')
    .addOption(valueOption('--config <file>', 'the configuration file'))
    .addOption(valueOption('--state <dir>', 'the directory of journal and log'))
    .addOption(new Option('-v, --verbose', 'show the whole log on stderr'))
    .addOption(new Option('--no-color', 'no colours (also with NO_COLOR set)'))
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, styleTitle, styleUsage, subcommandTerm: nameAndWords })
    .addHelpText('after', rootEpilogue(surface.columns));
  addRounds(program, surface, accept);
  for (const task of surface.words) addVerb(program, task, { ...surface, accept });
  addLooks(program, surface, accept);
  addSetUp(program, surface, accept);
  addHelpCommand(program);
  return program;
}

/** `maint help config check` is `maint config check --help`. */
function addHelpCommand(program: Command): void {
  const help = program.command('help').helpGroup('Set-up:').description('Print the help of a command');
  help.argument('[command...]', 'the command').action((path: readonly string[]) => {
    let command = program;
    for (const word of path) {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) throw unknownWord('command', word, commandNames(command));
      command = next;
    }
    command.outputHelp();
  });
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

function nameAndWords(command: Command): string {
  return [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' ');
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
