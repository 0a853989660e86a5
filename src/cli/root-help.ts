import type { TaskWords } from '../engine/words.ts';
import { COMMANDS, COMMON_FLAGS, HELP_FLAG, VERSION_FLAG, type CommandEntry } from './command-list.ts';
import type { Surface } from './commands.ts';
import { exitCodes } from './help.ts';
import type { Answer } from './invocation.ts';
import { definitions, hanging } from './layout.ts';

/** Answers `maint --help` and `maint --version` at once: neither needs a parser, and loading one takes longer than all this. */
export function quickAnswer(argv: readonly string[], surface: Surface): Answer | undefined {
  const [word, ...rest] = argv;
  if (word === undefined || rest.length > 0) return undefined;
  if (word === 'help' || HELP_FLAG[0].split(', ').includes(word))
    return { kind: 'answer', text: rootHelp(surface.words, surface.columns) };
  if (VERSION_FLAG[0].split(', ').includes(word)) return { kind: 'answer', text: `${surface.version}\n` };
  return undefined;
}

const GROUPS: readonly CommandEntry['group'][] = ['Rounds:', 'Tasks:', 'Backups:', 'Looking:', 'Set-up:'];

/** The help of the whole program. */
export function rootHelp(words: readonly TaskWords[], columns: number): string {
  const entries: readonly CommandEntry[] = [
    ...Object.values(COMMANDS),
    ...words.map(({ name, summary }) => ({ name, group: 'Tasks:' as const, summary })),
  ];
  const flags = [...COMMON_FLAGS, VERSION_FLAG, HELP_FLAG];
  const terms = [...entries.map(({ name }) => name), ...flags.map(([term]) => term)];
  const page = { columns, termWidth: Math.max(...terms.map((term) => term.length)) };
  const lines = [
    'Usage: maint [flags] <command>',
    '',
    'Keeps PostgreSQL-backed production systems healthy.',
    ...GROUPS.flatMap((group) => {
      const own = entries.filter((entry) => entry.group === group);
      return [
        '',
        group,
        ...definitions(
          own.map(({ name, summary }) => [name, summary]),
          page,
        ),
      ];
    }),
    '',
    'Flags:',
    ...definitions(flags, page),
    ...epilogue(columns),
  ];
  return `${lines.join('\n')}\n`;
}

function epilogue(columns: number): readonly string[] {
  const examples = [
    ['$ DATABASE_URL=postgres://me@db1/app maint daily', 'needs nothing else'],
    ['$ maint daily --dry-run', 'look first, touch nothing'],
    ['$ maint daily --cron', 'the line for the crontab'],
    ['$ maint health --json', 'one task, for a program'],
    ['$ maint status', 'what ran, what is overdue'],
  ] as const;
  return [
    '',
    'Examples:',
    ...definitions(examples, { columns }),
    ...exitCodes(columns),
    '',
    ...hanging('', 'Secrets come from the environment or the configuration, never from a flag.', columns),
  ];
}
