import { Argument, type Command } from 'commander';
import { TIERS } from '../engine/task.ts';
import type { TaskWords } from '../engine/words.ts';
import { examples, roundEpilogue, taskEpilogue, type Example } from './help.ts';
import { SHELLS, type CommonFlags, type Format, type Invocation, type Shell } from './invocation.ts';
import { collectTasks, numberOption, runOptions, taskOption, tasksOption, valueOption } from './options.ts';
import { readCommon, readFormat, readRound, readRun, readVerb } from './read.ts';
import { unknownWord } from './usage.ts';

/** What the command line is parsed against. */
export interface Surface {
  /** Every task in words. */
  readonly words: readonly TaskWords[];
  /** Version of maint. */
  readonly version: string;
  /** Width of the terminal, for help. */
  readonly columns: number;
}

/** Takes what a command line asks for. */
export type Accept = (invocation: Invocation) => void;

/** `maint daily`, `weekly`, `monthly`, `quarterly` and `maint run <task...>`. */
export function addRounds(program: Command, { words, columns }: Surface, accept: Accept): void {
  const names = words.map(({ name }) => name);
  for (const tier of TIERS) {
    const round = program.command(tier).helpGroup('Rounds:').description(`Run the ${tier} tasks`);
    round.addOption(tasksOption('--only <task...>', 'run only these tasks', names));
    round.addOption(tasksOption('--skip <task...>', 'leave these tasks out', names));
    for (const option of runOptions()) round.addOption(option);
    round.addHelpText('after', roundEpilogue(tier, words, columns)).action(() => accept(readRound(round, tier)));
  }
  const run = program.command('run').helpGroup('Rounds:').description('Run the named tasks, whatever their tier');
  run.addArgument(new Argument('<task...>', 'names of tasks').argParser(collectTasks(names)));
  for (const option of runOptions()) run.addOption(option);
  const line: Example = [`maint run ${names.slice(0, 2).join(' ')} --dry-run`, 'look first, touch nothing'];
  run.addHelpText('after', example(line, columns));
  run.action((tasks: readonly string[]) => accept(readRun(run, tasks)));
}

/** A task by its own name: `maint health`. */
export function addVerb(
  program: Command,
  task: TaskWords,
  { columns, accept }: { readonly columns: number; readonly accept: Accept },
): void {
  const verb = program.command(task.name).helpGroup('Tasks:').description(task.summary);
  for (const flag of task.flags) verb.addOption(taskOption(flag));
  for (const option of runOptions()) verb.addOption(option);
  verb.addHelpText('after', taskEpilogue(task, columns)).action(() => accept(readVerb(verb, task)));
}

const HISTORY_LIMIT = { minimum: 1, maximum: 10_000, isWhole: true };

/** `maint status`, `history` and `doctor`: they look and change nothing. */
export function addLooks(program: Command, { columns }: Surface, accept: Accept): void {
  const group = 'Looking:';
  const status = program
    .command('status')
    .helpGroup(group)
    .option(...JSON_FLAG);
  status.description('What ran when, what is overdue, what comes next');
  status.addHelpText('after', example(['maint status --json', 'the same for a program'], columns));
  status.action(() => accept({ kind: 'status', ...readLook(status) }));

  const history = program
    .command('history')
    .helpGroup(group)
    .option(...JSON_FLAG);
  history.description('The runs so far, newest first');
  history.addOption(numberOption('--limit <n>', 'how many', HISTORY_LIMIT).default(20));
  history.addHelpText('after', example(['maint history --limit 5', 'the last five'], columns));
  history.action(({ limit }: { readonly limit: number }) => accept({ kind: 'history', limit, ...readLook(history) }));

  const doctor = program
    .command('doctor')
    .helpGroup(group)
    .option(...JSON_FLAG);
  doctor.description('Every problem of the set-up at once, each with its fix');
  doctor.addHelpText('after', example(['maint doctor --config /etc/maint.yaml', 'as cron would find it'], columns));
  doctor.action(() => accept({ kind: 'doctor', ...readLook(doctor) }));
}

/** `maint init`, `config`, `alert` and `completion`. */
export function addSetUp(program: Command, { columns }: Surface, accept: Accept): void {
  const group = 'Set-up:';
  const init = program.command('init').helpGroup(group);
  init.description('Look at database and machine, and write a first configuration');
  init.addOption(valueOption('--output <file>', 'where to write it')).option('--force', 'write over an existing file');
  init.addHelpText('after', example(['maint init --output /etc/maint.yaml', 'then read it, and run doctor'], columns));
  init.action(({ output, force = false }: { readonly output?: string; readonly force?: boolean }) =>
    accept({ kind: 'init', output, force, common: readCommon(init) }),
  );
  addConfig(program.command('config').helpGroup(group).helpCommand(false), columns, accept);
  addAlert(program.command('alert').helpGroup(group).helpCommand(false), columns, accept);

  const completion = program.command('completion').helpGroup(group);
  completion.description('Print the script that completes commands, flags and tasks');
  completion.addArgument(new Argument('<shell>', `one of: ${SHELLS.join(', ')}`).argParser(shellNamed));
  const line: Example = ['maint completion bash > /etc/bash_completion.d/maint', 'for every user of the machine'];
  completion.addHelpText('after', example(line, columns));
  completion.action((shell: Shell) => accept({ kind: 'completion', shell }));
}

function addConfig(config: Command, columns: number, accept: Accept): void {
  config.description('Check, print or describe the configuration');
  config.addHelpText('after', example(['maint config check', 'every mistake at once, with its line'], columns));

  const check = config.command('check').option(...JSON_FLAG);
  check.description('Name every mistake of the configuration at once');
  check.addHelpText('after', example(['maint config check --config ./maint.yaml', 'before it goes live'], columns));
  check.action(() => accept({ kind: 'config-check', ...readLook(check) }));

  const print = config.command('print').description('Print the configuration with all defaults, secrets hidden');
  print.addHelpText('after', example(['maint config print', 'what maint would work with'], columns));
  print.action(() => accept({ kind: 'config-print', common: readCommon(print) }));

  const schema = config.command('schema').description('Print the JSON schema of the configuration, for editors');
  schema.addHelpText('after', example(['maint config schema > maint.schema.json', 'for your editor'], columns));
  schema.action(() => accept({ kind: 'config-schema', common: readCommon(schema) }));
}

function addAlert(alert: Command, columns: number, accept: Accept): void {
  alert.description('Try the channels that alerts go through');
  const line: Example = ['maint alert test --channel slack', 'one channel; all where left out'];
  alert.addHelpText('after', example(line, columns));

  const test = alert
    .command('test')
    .description('Send a test alert through every channel')
    .option(...JSON_FLAG);
  test.addOption(valueOption('--channel <name>', 'only this channel'));
  test.addHelpText('after', example(line, columns));
  test.action(({ channel }: { readonly channel?: string }) =>
    accept({ kind: 'alert-test', channel, ...readLook(test) }),
  );
}

const JSON_FLAG = ['--json', 'print one JSON document'] as const;

function example(line: Example, columns: number): string {
  return examples([line], columns).join('\n');
}

function readLook(command: Command): { readonly format: Format; readonly common: CommonFlags } {
  return { format: readFormat(command), common: readCommon(command) };
}

function shellNamed(word: string): Shell {
  const shell = SHELLS.find((each) => each === word);
  if (shell === undefined) throw unknownWord('shell', word, SHELLS);
  return shell;
}
