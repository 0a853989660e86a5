import type { Command, CommanderError } from 'commander';
import { MaintError } from '../base/errors.ts';
import { printable, redacted } from '../base/printable.ts';
import { suggest } from '../base/suggest.ts';

/** A mistake on the command line. */
export function usage(message: string, hint?: string): MaintError {
  return new MaintError('USAGE', message, hint === undefined ? {} : { hint });
}

/** Puts a word of the command line into a message: in quotes, short, without control characters or passwords. */
export function quoted(word: string): string {
  const shown = printable(redacted(word));
  return `"${shown.length > 60 ? `${shown.slice(0, 59)}…` : shown}"`;
}

/** An unknown word, with the known one that was probably meant. */
export function unknownWord(what: string, word: string, known: readonly string[]): MaintError {
  const meant = suggest(word, known);
  const hint = meant === undefined ? `Known are: ${known.join(', ')}.` : `Did you mean "${meant}"?`;
  return usage(`unknown ${what} ${quoted(word)}`, hint);
}

/** Someone wrote a secret, or a place for one, on the command line. */
export function secretRefused(what: string): MaintError {
  return usage(
    `${what} is refused: every user of this machine can read a command line`,
    'Set DATABASE_URL in the environment, or put the secret into the configuration as ${NAME}, { file: … } or { command: … }.',
  );
}

/** The words as a person types them to reach this command: `maint config check`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Says in maint's own words what commander found wrong. */
export function translate(error: CommanderError, command: Command): MaintError {
  const [, subject = ''] = /'(.*)'/s.exec(error.message) ?? [];
  switch (error.code) {
    case 'commander.unknownOption':
      return unknownFlag(subject, command);
    case 'commander.unknownCommand':
    case 'commander.helpDisplayed':
      return unknownWord('command', command.args[0] ?? '', commandNames(command));
    case 'commander.optionMissingArgument':
      return usage(`${subject.split(' ', 1)[0]} needs a value`, `Write it as ${subject}.`);
    case 'commander.missingArgument':
      return usage(`${pathOf(command)} needs a ${subject}`, `See the examples in \`${pathOf(command)} --help\`.`);
    case 'commander.excessArguments':
      return unexpected(command.args[command.registeredArguments.length] ?? '', command);
    case 'commander.conflictingOption':
      return usage(
        `${subject
          .split("'")
          .filter((word) => word.startsWith('--'))
          .join(' and ')} contradict each other`,
        'Keep one of the two.',
      );
    case 'commander.help':
      return missingCommand(command);
    default:
      return usage(printable(redacted(error.message.replace(/^error: /, ''))));
  }
}

/** Names of the commands below this one. */
export function commandNames(command: Command): readonly string[] {
  return command.commands.map((each) => each.name());
}

/** The long flags that a command understands, its own and those of every command. */
function flagNames(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .concat(command.createHelp().visibleGlobalOptions(command))
    .flatMap(({ long }) => long ?? []);
}

const SECRET_FLAG =
  /passw|passphrase|token|secret|credential|dsn|webhook|(api|access|private)-?key|(database|db|pg)-?ur[il]/i;

function unknownFlag(argument: string, command: Command): MaintError {
  const flag = argument.split('=', 1)[0] ?? argument;
  if (SECRET_FLAG.test(flag)) return secretRefused(quoted(flag));
  if (flag !== argument && flagNames(command).includes(flag))
    return usage(`${flag} takes no value`, `Write ${flag} alone.`);
  const meant = suggest(flag, flagNames(command));
  const hint = meant === undefined ? `\`${pathOf(command)} --help\` lists what there is.` : `Did you mean "${meant}"?`;
  return usage(`unknown flag ${quoted(flag)} for ${pathOf(command)}`, hint);
}

function unexpected(word: string, command: Command): MaintError {
  if (/^[a-z]+:\/\//i.test(word)) return secretRefused(`the URL ${quoted(word)}`);
  return usage(
    `unexpected word ${quoted(word)} after ${pathOf(command)}`,
    `\`${pathOf(command)} --help\` shows what it takes.`,
  );
}

function missingCommand(command: Command): MaintError {
  if (command.parent === null)
    return usage('no command was given', 'Start with `maint daily --dry-run`; `maint --help` lists every command.');
  return usage(`${pathOf(command)} needs a command`, `Write one of: ${commandNames(command).join(', ')}.`);
}
