import type { Command } from 'commander';
import type { Tier } from '../engine/task.ts';
import type { TaskWords } from '../engine/words.ts';
import type { CommonFlags, FailOn, Format, MonitorFormat, Override, RunInvocation } from './invocation.ts';
import { usage } from './usage.ts';

/** The flags of every command, as commander keeps them. */
interface Flags {
  readonly config?: string;
  readonly state?: string;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly json?: boolean;
}

interface RunFlags extends Flags {
  readonly dryRun?: boolean;
  readonly cron?: boolean;
  readonly failOn: FailOn;
  readonly format?: MonitorFormat;
  readonly junit?: string;
  readonly textfile?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly slot?: string;
  readonly resume?: true;
  readonly force?: true;
}

/** The flags that every command takes. */
export function readCommon(command: Command): CommonFlags {
  const { config, state, verbose = false, color } = command.optsWithGlobals<Flags>();
  return { config, state, verbose, color };
}

/** Text, or JSON where `--json` was given. */
export function readFormat(command: Command): Format {
  return command.opts<Flags>().json === true ? 'json' : 'text';
}

/** @throws MaintError USAGE where --only and --skip name the same task */
export function readRound(command: Command, tier: Tier): RunInvocation {
  const { only = [], skip = [], slot, resume, force } = command.opts<RunFlags>();
  const both = only.find((name) => skip.includes(name));
  if (both !== undefined) throw usage(`--only and --skip both name "${both}"`, 'Keep it in one of the two.');
  const again = { ...(slot !== undefined && { slot }), ...(resume && { resume }), ...(force && { force }) };
  return { ...readShared(command), command: tier, select: { tier }, only: unique(only), skip: unique(skip), ...again };
}

/** The tasks that `maint run` names. */
export function readRun(command: Command, tasks: readonly string[]): RunInvocation {
  const names = unique(tasks);
  return { ...readShared(command), command: `run ${names.join(' ')}`, select: { tasks: names } };
}

/** @throws MaintError USAGE where two flags set the same setting */
export function readVerb(command: Command, task: TaskWords): RunInvocation {
  const overrides = readOverrides(command, task);
  for (const [index, { setting, flag }] of overrides.entries()) {
    const other = overrides.slice(0, index).find((earlier) => earlier.setting === setting);
    if (other !== undefined) throw usage(`${other.flag} and ${flag} contradict each other`, 'Keep one of the two.');
  }
  return { ...readShared(command), command: task.name, select: { tasks: [task.name] }, overrides };
}

type Shared = Omit<RunInvocation, 'command' | 'select'>;

function readShared(command: Command): Shared {
  const {
    dryRun = false,
    cron = false,
    failOn,
    junit,
    textfile,
    format = readFormat(command),
  } = command.opts<RunFlags>();
  const common = readCommon(command);
  return { kind: 'run', dryRun, only: [], skip: [], format, cron, failOn, junit, textfile, overrides: [], common };
}

function readOverrides(command: Command, task: TaskWords): readonly Override[] {
  return task.flags.flatMap((words) => {
    const option = command.options.find(({ flags }) => flags === words.flag);
    if (option === undefined || command.getOptionValueSource(option.attributeName()) !== 'cli') return [];
    const given: unknown = command.getOptionValue(option.attributeName());
    const value = typeof given === 'string' || typeof given === 'number' ? given : (words.value ?? given === true);
    return [{ task: task.name, setting: words.setting, value, flag: option.long ?? words.flag }];
  });
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
