import { Option } from 'commander';
import type { MaintError } from '../base/errors.ts';
import type { FlagWords, NumberRange } from '../engine/words.ts';
import { FAIL_ON, MONITOR_FORMATS } from './invocation.ts';
import { quoted, secretRefused, unknownWord, usage } from './usage.ts';

/** A flag with one value, which must not be empty, another flag, or given twice. */
export function valueOption(flags: string, summary: string): Option {
  const name = longOf(flags);
  return new Option(flags, summary).argParser((value, previous) => {
    if (previous !== undefined) throw usage(`${name} is given twice`, 'Keep one of the two.');
    if (value.trim() === '') throw usage(`${name} has an empty value`, `Write it as ${flags}.`);
    if (value.startsWith('-')) throw valueMissing(flags, value);
    if (/^postgres(ql)?:\/\//i.test(value)) throw secretRefused(`a database URL after ${name}`);
    return value;
  });
}

/** As `valueOption`, for a flag that may be given several times. */
export function valuesOption(flags: string, summary: string): Option {
  const one = valueOption(flags, summary).parseArg;
  return new Option(flags, summary).argParser<unknown>((value, earlier) => [
    ...texts(earlier),
    String(one?.(value, undefined)),
  ]);
}

/** A flag with a database URL, which must hold no password: every user of the machine can read a command line. */
export function addressOption(flags: string, summary: string): Option {
  return new Option(flags, summary).argParser((value, previous) => {
    if (previous !== undefined) throw usage(`${longOf(flags)} is given twice`, 'Keep one of the two.');
    if (value.startsWith('-')) throw valueMissing(flags, value);
    if (/^[^:]+:\/\/[^/?#]*:[^/?#]*@|[?&](ssl)?password=/i.test(value))
      throw secretRefused(`a password in ${longOf(flags)}`);
    return value;
  });
}

/** A flag with one of a few words. */
export function choiceOption(flags: string, summary: string, choices: readonly string[]): Option {
  return valueOption(flags, summary)
    .choices(choices)
    .argParser((value) => {
      if (!choices.includes(value)) throw unknownWord(`value for ${longOf(flags)}`, value, choices);
      return value;
    });
}

/** A flag with a number. */
export function numberOption(flags: string, summary: string, range: NumberRange): Option {
  return new Option(flags, summary).argParser((value) => numberIn(value, longOf(flags), range));
}

/** A flag that takes task names, each after a space or a comma, and may be repeated. */
export function tasksOption(flags: string, summary: string, known: readonly string[]): Option {
  return new Option(flags, summary).argParser<unknown>((word, earlier) => {
    if (word.startsWith('-')) throw valueMissing(flags, word);
    return [...texts(earlier), ...taskNames(word, known)];
  });
}

/**
 * Reads a word that names a task, or several with commas between.
 * @throws MaintError USAGE for a name that no task has
 */
export function taskNames(word: string, known: readonly string[]): readonly string[] {
  const names = word.split(',');
  for (const name of names) if (!known.includes(name)) throw unknownWord('task', name, known);
  return names;
}

/** A flag of a task, which stands for one of its settings. */
export function taskOption({ flag, summary, number }: FlagWords): Option {
  if (number !== undefined) return numberOption(flag, summary, number);
  return flag.includes('<') ? valueOption(flag, summary) : new Option(flag, summary);
}

/** The flags of everything that runs tasks. */
export function runOptions(): readonly Option[] {
  return [
    new Option('--dry-run', 'look and say what would be done, change nothing').conflicts('cron'),
    new Option('--json', 'print the report as one JSON document'),
    valueOption('--junit <file>', 'write the report as JUnit XML too'),
    new Option('--cron', 'for a crontab: print nothing when all is well, run each scheduled slot once'),
    choiceOption('--fail-on <verdict>', 'the verdict from which on the exit code is 1', FAIL_ON).default('fail'),
  ];
}

/** The flags of a round that say which slot it is for. */
export function slotOptions(): readonly Option[] {
  return [
    valueOption('--slot <slot>', 'run it for this slot, once: auto, or an instant').conflicts(['cron', 'dryRun']),
    new Option('--resume', 'run only what failed in the newest run of this tier').conflicts(['cron', 'dryRun', 'slot']),
    new Option('--force', 'run the slot also where it is done'),
  ];
}

/** The flags of `maint health` for monitoring systems. */
export function monitorOptions(): readonly Option[] {
  return [
    choiceOption('--format <format>', 'print the report for a monitoring system', MONITOR_FORMATS).conflicts('json'),
    valueOption('--textfile <file>', 'write it for the textfile collector of node_exporter too'),
  ];
}

function valueMissing(flags: string, next: string): MaintError {
  return usage(`${longOf(flags)} needs a value, but ${quoted(next)} follows`, `Write it as ${flags}.`);
}

function longOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function numberIn(value: string, name: string, range: NumberRange): number {
  const { minimum = -Infinity, maximum = Infinity, isWhole = false } = range;
  const number = Number(value);
  const isNumber = (isWhole ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d{1,15})?$/).test(value);
  if (isNumber && number >= minimum && number <= maximum) return number;
  const kind = isWhole ? 'whole number' : 'number';
  throw usage(`${name} cannot be ${quoted(value)}`, `Write a ${kind}${within(minimum, maximum)}.`);
}

function within(minimum: number, maximum: number): string {
  if (minimum === -Infinity && maximum === Infinity) return '';
  if (maximum === Infinity) return ` of at least ${minimum}`;
  return minimum === -Infinity ? ` of at most ${maximum}` : ` from ${minimum} to ${maximum}`;
}
