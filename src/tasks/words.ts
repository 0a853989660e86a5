// Written by `npm run generate`; edit the task instead.
import type { TaskWords } from '../engine/words.ts';

/** Every task in words, in running order. */
export const taskWords: readonly TaskWords[] = [
  {
    name: 'health',
    summary: 'Check that database and application answer and have room to spare',
    tier: 'daily',
    effect: 'reads',
    flags: [],
    examples: [
      { command: 'maint health', summary: 'look at everything once; exit code 1 when something is broken' },
      { command: 'maint health --json', summary: 'the same as one JSON document' },
    ],
    settings: [
      {
        key: 'database.warnAfter',
        type: 'duration',
        fallback: 'default 250ms',
        description: 'Warn when connecting and a first query take longer than this together',
      },
      {
        key: 'connections.warnAt',
        type: 'number from 0 to 1',
        fallback: 'default 0.7',
        description: 'Warn from this share of the connections on that the server allows',
      },
      {
        key: 'connections.failAt',
        type: 'number from 0 to 1',
        fallback: 'default 0.9',
        description: 'Fail from this share on',
      },
      {
        key: 'connections.idleInTransaction',
        type: 'duration',
        fallback: 'default 5 min',
        description: 'Name sessions that have been idle inside a transaction for longer than this',
      },
      {
        key: 'disks',
        type: 'list of text',
        fallback: 'optional',
        description: 'Paths whose disks to watch; the root filesystem and the disks of a local database where left out',
      },
      {
        key: 'disk.warnAt',
        type: 'number from 0 to 1',
        fallback: 'default 0.8',
        description: 'Warn from this used share of the space or the inodes on',
      },
      {
        key: 'disk.failAt',
        type: 'number from 0 to 1',
        fallback: 'default 0.9',
        description: 'Fail from this used share on',
      },
      {
        key: 'disk.warnFullIn',
        type: 'duration',
        fallback: 'default 14 days',
        description: 'Warn when the disk will be full sooner than this',
      },
      {
        key: 'disk.failFullIn',
        type: 'duration',
        fallback: 'default 3 days',
        description: 'Fail when the disk will be full sooner than this',
      },
      {
        key: 'http',
        type: 'list of blocks',
        fallback: 'default none',
        description: 'Addresses of the application that must answer',
      },
      { key: 'http[].url', type: 'URL', fallback: 'required', description: 'The address to GET' },
      {
        key: 'http[].name',
        type: 'text',
        fallback: 'optional',
        description: 'What reports call it; its address without user and query where left out',
      },
      {
        key: 'http[].expectStatus',
        type: 'whole number from 100 to 599',
        fallback: 'default 200',
        description: 'The status it must answer with; redirects are not followed',
      },
      {
        key: 'http[].contains',
        type: 'text',
        fallback: 'optional',
        description: 'Text that the first mebibyte of the answer must contain',
      },
      { key: 'http[].timeout', type: 'duration', fallback: 'default 5s', description: 'How long one try may take' },
      {
        key: 'http[].warnAfter',
        type: 'duration',
        fallback: 'default 1s',
        description: 'Warn when the answer takes longer than this',
      },
      {
        key: 'http[].retryAfter',
        type: 'duration',
        fallback: 'default 2s',
        description: 'How long to wait between a failed try and the second, last one',
      },
    ],
  },
  {
    name: 'backup',
    summary: 'Dump the database, read the dump back, and let old backups go',
    tier: 'daily',
    effect: 'destroys',
    flags: [{ flag: '--directory <path>', summary: 'keep the backups there', setting: 'directory' }],
    examples: [
      { command: 'maint backup', summary: 'take a verified backup now' },
      { command: 'maint backup --dry-run', summary: 'say what would be written and removed' },
    ],
    settings: [
      {
        key: 'directory',
        type: 'text',
        fallback: 'optional',
        description: 'Where this task keeps backups; `backups.directory` where left out',
      },
      {
        key: 'compressionLevel',
        type: 'whole number from 1 to 19',
        fallback: 'default 1',
        description: 'Level of zstd: 1 is fastest, 19 smallest',
      },
      {
        key: 'keep.last',
        type: 'whole number from 0',
        fallback: 'default 0',
        description: 'How many of the newest backups to keep',
      },
      {
        key: 'keep.daily',
        type: 'whole number from 0',
        fallback: 'default 0',
        description: 'How many days, with the newest backup of each, to keep',
      },
      {
        key: 'keep.weekly',
        type: 'whole number from 0',
        fallback: 'default 0',
        description: 'How many weeks, with the newest backup of each, to keep',
      },
      {
        key: 'keep.monthly',
        type: 'whole number from 0',
        fallback: 'default 0',
        description: 'How many months, with the newest backup of each, to keep',
      },
      {
        key: 'keep.yearly',
        type: 'whole number from 0',
        fallback: 'default 0',
        description: 'How many years, with the newest backup of each, to keep',
      },
      {
        key: 'keep.minVerified',
        type: 'whole number from 1',
        fallback: 'default 3',
        description: 'So many of the newest verified backups always stay',
      },
    ],
  },
  {
    name: 'verify-backup',
    summary: 'Decode backups without a server and compare every table',
    tier: 'weekly',
    effect: 'reads',
    flags: [
      { flag: '--latest', summary: 'the newest backup only', setting: 'which', value: 'latest' },
      { flag: '--all', summary: 'each backup', setting: 'which', value: 'all' },
      { flag: '--max-age <age>', summary: 'fail when the newest backup is older', setting: 'maxAge' },
      { flag: '--directory <path>', summary: 'where the backups are', setting: 'directory' },
    ],
    examples: [
      { command: 'maint verify-backup --max-age 26h', summary: 'is there a good backup of the last day?' },
      { command: 'maint verify-backup --all --json', summary: 'prove every backup, for a program' },
    ],
    settings: [
      {
        key: 'directory',
        type: 'text',
        fallback: 'optional',
        description: 'Where the backups are; `backups.directory` where left out',
      },
      {
        key: 'which',
        type: 'one of latest, all',
        fallback: 'default latest',
        description: 'The newest backup, or each one',
      },
      {
        key: 'maxAge',
        type: 'duration',
        fallback: 'optional',
        description: 'The newest backup must not be older than this',
      },
    ],
  },
];
