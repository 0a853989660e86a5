import { printable, redacted } from '../base/printable.ts';
import type { CronJob, CrontabKind } from './crontab.ts';
import type { Finding } from './findings.ts';
import { lintManners } from './lint-manners.ts';
import { CRON_PATH, type CronMachine } from './machine.ts';
import { simpleCommands, type SimpleCommand } from './shell.ts';

interface Surroundings {
  readonly kind: CrontabKind;
  readonly machine: CronMachine;
}

/** What is wrong with the command of one job, and with the shape of its line. */
export function lintCommand(job: CronJob, { kind, machine }: Surroundings): readonly Finding[] {
  const { line, fault, command } = job;
  if (fault !== undefined) return [{ code: 'E105', line, message: fault }];
  const wrongUser = userFault(job, { kind, machine });
  if (wrongUser !== undefined) return [{ code: 'E106', line, message: wrongUser }];
  const found: Finding[] = [];
  if (/(?<!\\)%/.test(command)) found.push({ code: 'E101', line, message: 'the command has a % without a backslash' });
  const commands = simpleCommands(command.replaceAll(String.raw`\%`, '%'));
  return [...found, ...lintPlaces(job, commands, machine), ...lintManners(job, commands, machine)];
}

function userFault({ user, command, variables }: CronJob, { kind, machine }: Surroundings): string | undefined {
  const path = variables.get('PATH') ?? CRON_PATH;
  if (kind === 'user') {
    const [first = '', ...rest] = command.split(/\s+/);
    const isUser = rest.length > 0 && machine.isUser(first) && onPath(first, path, machine) === undefined;
    return isUser ? `"${first}" is a user, which cron takes for the program` : undefined;
  }
  const isProgram = !machine.isUser(user) && onPath(user, path, machine) !== undefined;
  if (command !== '' && /^[a-z_][\w.-]*\$?$/i.test(user) && !isProgram) return undefined;
  return 'the user before the command is missing';
}

function onPath(name: string, path: string, machine: CronMachine): string | undefined {
  return path
    .split(':')
    .map((directory) => `${directory}/${name}`)
    .find((candidate) => machine.isProgram(candidate));
}

/** Words that the shell itself knows, and what begins with them is not looked at. */
const SHELL_WORDS =
  /^([[\]{}!:.]|\[\[|alias|break|case|cd|command|continue|do|done|echo|elif|else|esac|eval|exec|exit|export|false|fi|for|if|kill|local|printf|pwd|read|return|set|shift|source|test|then|time|trap|true|type|ulimit|umask|unset|until|wait|while)$/;

/** Does everything lie where cron looks? One finding for each line is enough to mend it. */
function lintPlaces(job: CronJob, commands: readonly SimpleCommand[], machine: CronMachine): readonly Finding[] {
  const { line, variables } = job;
  const isMoved = commands.some(({ words }) => words[0] === 'cd');
  const path = variables.get('PATH') ?? CRON_PATH;
  for (const { words } of commands) {
    const [program = ''] = words;
    const fault = isUnknowable(program) ? undefined : placeFault(words, { path, machine, isMoved });
    if (fault !== undefined) return [{ line, ...fault }];
  }
  return [];
}

/** What only the shell finds out: variables, the home directory, patterns. */
function isUnknowable(program: string): boolean {
  return program === '' || SHELL_WORDS.test(program) || /^[~$`*]|\$/.test(program);
}

interface Place {
  readonly path: string;
  readonly machine: CronMachine;
  /** Does the line go to a directory of its own first? */
  readonly isMoved: boolean;
}

function placeFault(
  words: readonly string[],
  { path, machine, isMoved }: Place,
): Pick<Finding, 'code' | 'message'> | undefined {
  const [program = '', next = ''] = words;
  if (!program.includes('/')) {
    if (onPath(program, path, machine) === undefined)
      return { code: 'E102', message: `"${shown(program)}" is not on the PATH of cron (${path})` };
  } else if (!program.startsWith('/')) {
    if (!isMoved) return { code: 'E104', message: `"${shown(program)}" is a relative path` };
  } else if (!machine.isProgram(program)) {
    const isBroken = machine.isProgram(`${program} ${next}`) || /^[\w.][\w.-]*\//.test(next);
    if (isBroken)
      return { code: 'E108', message: `"${shown(`${program} ${next}`)}" looks like one path with a space in it` };
    return { code: 'E102', message: `there is no program ${shown(program)} that can be started` };
  }
  const script = scriptOf(words);
  if (script === undefined || isMoved) return undefined;
  return { code: 'E104', message: `the script "${shown(script)}" is a relative path` };
}

const INTERPRETER = /(^|\/)(node|deno|bun|python[\d.]*|php[\d.]*|ruby|perl|bash|sh|dash|zsh)$/;

/** The script that an interpreter is given, where it is a relative path. */
function scriptOf([program = '', ...words]: readonly string[]): string | undefined {
  if (!INTERPRETER.test(program)) return undefined;
  const first = words[0] ?? '';
  const isPath = /^[\w.][^\s=$]*\/|^[\w.-]+\.(js|mjs|cjs|ts|py|php|rb|pl|sh)$/.test(first);
  return isPath ? first : undefined;
}

/** A word of a line, short enough for a message and without passwords. */
function shown(word: string): string {
  const text = printable(redacted(word));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
