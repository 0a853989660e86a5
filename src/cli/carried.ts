import { dirname, resolve } from 'node:path';
import { SYSTEM_DIRECTORY } from '../config/find.ts';
import { quotedForShell } from '../base/shell-word.ts';
import type { Sink, World } from '../base/world.ts';
import { taskWords } from '../tasks/words.ts';
import type { Invocation } from './invocation.ts';

/** Puts into commands of maint in a text what they need to mean the same configuration to whoever copies them. */
export type Carry = (text: string) => string;

/** Commands that read a configuration, and groups of them whose second word belongs to the name. */
const SINGLE = 'daily weekly monthly quarterly run tick exec restore status history doctor'.split(' ');
const GROUPS = 'alerts silence backups cron config'.split(' ');

const COMMAND = new RegExp(
  String.raw`(?<=^|[^\w/.-])maint (?:prune restore|(?:${GROUPS.join('|')}) [a-z]+` +
    String.raw`|(?:${[...SINGLE, ...taskWords.map(({ name }) => name)].join('|')}))(?![\w-]|, process)`,
  'g',
);

/** The head of a report names what ran; it is no command to be copied. */
const HEAD = / · \d{4}-\d{2}-\d{2} /;

/**
 * @param file absolute path of the configuration that was named, or undefined
 * @returns undefined where commands mean the same without it: no file, or the one of the system
 */
export function carryOf(file: string | undefined): Carry | undefined {
  if (file === undefined || dirname(file) === SYSTEM_DIRECTORY) return undefined;
  const flag = ` --config ${quotedForShell(file)}`;
  const carried = (line: string): string =>
    // A replacement that is text would obey a $ in the path.
    HEAD.test(line) || line.includes('--config') ? line : line.replaceAll(COMMAND, (command) => command + flag);
  return (text) => text.split('\n').map(carried).join('\n');
}

/** Documents whose words are not maint's to change: crontabs, configurations, rules, and the JSON of a message. */
const DOCUMENTS: ReadonlySet<Invocation['kind']> = new Set([
  'cron-print',
  'cron-install',
  'cron-uninstall',
  'config-print',
  'config-schema',
  'alert-rules',
]);

/** The world in which commands that are printed for a person carry the configuration that this one was started with. */
export function carryingWorld(invocation: Invocation, world: World): World {
  if (!('common' in invocation)) return world;
  if ('format' in invocation && invocation.format !== 'text') return world;
  const named = invocation.common.config ?? (world.env['MAINT_CONFIG'] || undefined);
  const carry = carryOf(named === undefined ? undefined : resolve(world.cwd, named));
  if (carry === undefined) return world;
  const isDocument = DOCUMENTS.has(invocation.kind) || ('print' in invocation && invocation.print);
  const stdout = isDocument ? world.stdout : carrying(world.stdout, carry);
  return { ...world, stdout, stderr: carrying(world.stderr, carry) };
}

function carrying(sink: Sink, carry: Carry): Sink {
  return { write: (text) => sink.write(carry(text)), isTerminal: sink.isTerminal, columns: sink.columns };
}
