import type { Surface } from '../../src/cli/commands.ts';
import type { TaskWords } from '../../src/engine/words.ts';

/** Tasks in words, made by hand, so that what the command line says does not move with every new task. */
export const WORDS: readonly TaskWords[] = [
  {
    name: 'health',
    summary: 'Check what can be checked in a second',
    tier: 'daily',
    effect: 'reads',
    flags: [],
    examples: [{ command: 'maint health', summary: 'all checks, now' }],
    settings: [
      { key: 'disk.warnAt', type: 'number from 0 to 1', fallback: 'default 0.8', description: 'Warn above this share' },
    ],
  },
  {
    name: 'backup',
    summary: 'Dump the database, read the dump back and count its rows',
    tier: 'daily',
    effect: 'destroys',
    flags: [
      { flag: '--directory <dir>', summary: 'put the dump there', setting: 'directory' },
      {
        flag: '--level <n>',
        summary: 'how hard to compress',
        setting: 'level',
        number: { minimum: 1, maximum: 19, isWhole: true },
      },
    ],
    examples: [
      { command: 'maint backup --dry-run', summary: 'what would be dumped and expired' },
      { command: 'maint backup', summary: 'one more backup, now' },
    ],
    settings: [
      {
        key: 'directory',
        type: 'text',
        fallback: 'required',
        description: 'Where dumps are kept; a disk of its own is best, for a full disk stops the database too',
      },
      {
        key: 'level',
        type: 'whole number from 1 to 19',
        fallback: 'default 3',
        description: 'How hard zstd compresses',
      },
    ],
  },
  {
    name: 'verify-backup',
    summary: 'Decode a whole dump and compare its rows with the manifest',
    tier: 'weekly',
    effect: 'reads',
    flags: [
      { flag: '--latest', summary: 'only the newest', setting: 'which', value: 'latest' },
      { flag: '--all', summary: 'every backup', setting: 'which', value: 'all' },
      { flag: '--max-age <age>', summary: 'fail when the newest is older', setting: 'maxAge' },
    ],
    examples: [],
    settings: [],
  },
];

/** The surface that tests parse against. */
export const SURFACE: Surface = { words: WORDS, version: '1.2.3', columns: 100 };
