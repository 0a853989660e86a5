import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';
import { LOCAL } from '../backups/layout.ts';
import { LEVELS } from '../backups/verify-request.ts';
import { defineTask } from '../engine/task.ts';

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where the backups are; `backups.directory` where left out'),
  copy: z.string().min(1).default(LOCAL).describe('Which copy: local, or a name under `backups.copies`'),
  which: z.enum(['latest', 'all']).default('latest').describe('The newest backup, or each one'),
  sample: z.int().positive().optional().describe('Besides the newest backup only so many of the others, by chance'),
  level: z
    .enum([...LEVELS, 'restore'])
    .default('decode')
    .describe(
      'present: files and lengths; checksum: every byte, needs no key; decode: pg_restore reads it all and the rows are ' +
        'counted; restore: into a throw-away server',
    ),
  maxAge: durationSetting.optional().describe('The newest backup must not be older than this'),
});

export type VerifyBackupSettings = z.infer<typeof settings>;

/** Proves backups, as deep as asked; the default needs no server. */
export const verifyBackup = defineTask<VerifyBackupSettings>({
  name: 'verify-backup',
  summary: 'Decode backups without a server and compare every table',
  tier: 'weekly',
  effect: 'reads',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 6 * 60 * 60_000,
  settings,
  flags: [
    { flag: '--latest', summary: 'the newest backup only', setting: 'which', value: 'latest' },
    { flag: '--all', summary: 'each backup', setting: 'which', value: 'all' },
    { flag: '--sample <n>', summary: 'the newest and so many others, by chance', setting: 'sample' },
    { flag: '--copy <name>', summary: 'local, or a copy of the configuration', setting: 'copy' },
    { flag: '--level <level>', summary: 'present, checksum, decode or restore', setting: 'level' },
    { flag: '--max-age <age>', summary: 'fail when the newest backup is older', setting: 'maxAge' },
    { flag: '--directory <path>', summary: 'where the backups are', setting: 'directory' },
  ],
  examples: [
    { command: 'maint verify-backup --max-age 26h', summary: 'is there a good backup of the last day?' },
    { command: 'maint verify-backup --copy offsite --level checksum', summary: 'did the copy stay what it was?' },
    { command: 'maint verify-backup --all --json', summary: 'prove every backup, for a program' },
  ],

  plan: async (context) => (await import('./verify-backup/plan.ts')).planVerifyBackup(context),
});
