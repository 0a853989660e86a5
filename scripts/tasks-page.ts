import { ERRORS } from '../src/base/errors.ts';
import { EXIT_CODES } from '../src/cli/exit-code.ts';
import { EFFECTS } from '../src/cli/help.ts';
import { TIERS } from '../src/engine/task.ts';
import type { TaskWords } from '../src/engine/words.ts';
import { table } from './table.ts';

/** `docs/tasks.md`: every task with its settings, every exit code, every error code. */
export function tasksPage(words: readonly TaskWords[]): string {
  return `<!-- Written by \`npm run generate\`; edit the task instead. -->

# Tasks

${table(
  ['task', 'tier', 'what it can do', 'what it is for'],
  words.map((task) => [`[\`${task.name}\`](#${task.name})`, task.tier, EFFECTS[task.effect], task.summary]),
)}

A tier (${TIERS.map((tier) => `\`maint ${tier}\``).join(', ')}) runs its tasks in this order. Every task is a command of its
own as well, and takes in its block of the configuration, beside its own settings, \`enabled\` (whether its tier runs it),
\`tier\`, \`deadline\` (how long one step may take) and \`schedule\` (when it runs instead of with its tier).

${words.map(section).join('\n')}
# Exit codes

${table(
  ['exit code', 'when'],
  EXIT_CODES.map(({ code, when }) => [`\`${code}\``, when]),
)}

# Error codes

An error that a person can do something about has a code. Codes are never renamed.

${table(
  ['code', 'meaning', 'what to do', 'exit code'],
  Object.entries(ERRORS).map(([code, { meaning, hint, exitCode }]) => [`\`${code}\``, meaning, hint, String(exitCode)]),
)}
`;
}

function section(task: TaskWords): string {
  const settings = table(
    ['setting', 'type', 'default', 'meaning'],
    task.settings.map(({ key, type, fallback, description }) => [
      `\`${key}\``,
      type,
      fallback.replace(/^default (.*)$/, '`$1`'),
      description,
    ]),
  );
  const flags = table(
    ['flag', 'meaning', 'setting'],
    task.flags.map(({ flag, summary, setting }) => [`\`${flag}\``, summary, `\`${setting}\``]),
  );
  const examples = task.examples.map(({ command, summary }) => `${command}   # ${summary}`).join('\n');
  return [
    `## ${task.name}`,
    `${task.summary}. Runs ${task.tier}; ${EFFECTS[task.effect]}.`,
    ...(examples === '' ? [] : [`\`\`\`sh\n${examples}\n\`\`\``]),
    ...(task.flags.length === 0 ? [] : [flags]),
    task.settings.length === 0 ? 'It has no settings of its own.' : settings,
    '',
  ].join('\n\n');
}
