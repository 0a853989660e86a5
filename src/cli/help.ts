import type { Tier } from '../engine/task.ts';
import type { TaskWords } from '../engine/words.ts';
import { EXIT_CODES } from './exit-code.ts';
import { definitions, hanging } from './layout.ts';

/** A command line that a person can copy, and what it is for. */
export type Example = readonly [command: string, summary: string];

/** What a task can do at worst, in words. */
export const EFFECTS: Readonly<Record<TaskWords['effect'], string>> = {
  reads: 'only looks; changes nothing',
  changes: 'changes things, deletes none of your data',
  destroys: 'deletes what the configuration says it may, nothing else',
};

/** What stands below the flags of a round: its tasks, and an example. */
export function roundEpilogue(tier: Tier, words: readonly TaskWords[], columns: number): string {
  const own = words.filter((task) => task.tier === tier);
  const list =
    own.length === 0
      ? ['  none, unless the configuration says otherwise']
      : definitions(
          own.map(({ name, summary }) => [name, summary]),
          { columns },
        );
  const one = own[0]?.name ?? words[0]?.name;
  return [
    '',
    'Its tasks, in this order, unless the configuration says otherwise:',
    ...list,
    ...examples(
      [
        [`maint ${tier} --dry-run`, 'look first, touch nothing'],
        [`maint ${tier} --cron`, 'the line for the crontab'],
        ...(one === undefined ? [] : [[`maint ${tier} --skip ${one}`, 'leave one task out'] as const]),
      ],
      columns,
    ),
    ...exitCodes(columns),
  ].join('\n');
}

/** What stands below the flags of `maint run`: every task, and an example. */
export function runEpilogue(words: readonly TaskWords[], columns: number): string {
  const names = words.map(({ name }) => name).slice(0, 2);
  return [
    '',
    'Tasks:',
    ...definitions(
      words.map(({ name, summary }) => [name, summary]),
      { columns },
    ),
    ...examples([[`maint run ${names.join(' ')} --dry-run`, 'look first, touch nothing']], columns),
    ...exitCodes(columns),
  ].join('\n');
}

/** What stands below the flags of a task: when it runs, what it can do, its settings, examples. */
export function taskEpilogue(task: TaskWords, columns: number): string {
  const facts = definitions(
    [
      ['Runs', `${task.tier}, unless the configuration says otherwise`],
      ['Effect', EFFECTS[task.effect]],
    ],
    { columns },
  );
  const settings = definitions(
    task.settings.map(({ key, type, fallback, description }) => [key, `${description} (${type}; ${fallback})`]),
    { columns },
  );
  return [
    '',
    ...facts,
    '',
    ...hanging(
      '',
      `Settings, below tasks.${task.name} in the configuration, beside enabled, tier and deadline:`,
      columns,
    ),
    ...(settings.length === 0 ? ['  none of its own'] : settings),
    ...examples(examplesOf(task), columns),
    ...exitCodes(columns),
  ].join('\n');
}

function examplesOf({ name, examples: own }: TaskWords): readonly Example[] {
  if (own.length === 0) return [[`maint ${name} --dry-run`, 'look first, touch nothing']];
  return own.map(({ command, summary }) => [command, summary]);
}

/** What the exit code of a run says. */
export function exitCodes(columns: number): readonly string[] {
  const rows = EXIT_CODES.map(({ code, when }) => [code, when] as const);
  return ['', 'Exit codes:', ...definitions(rows, { columns })];
}

/** The examples below a command's flags. */
export function examples(items: readonly Example[], columns: number): readonly string[] {
  if (items.length === 0) return [];
  return [
    '',
    items.length === 1 ? 'Example:' : 'Examples:',
    ...definitions(
      items.map(([command, summary]) => [`$ ${command}`, summary]),
      { columns },
    ),
  ];
}
