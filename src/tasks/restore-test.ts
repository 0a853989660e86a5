import { z } from 'zod';
import { connectionSetting } from '../adapters/connection-setting.ts';
import { durationSetting } from '../base/settings.ts';
import { PICKS } from '../backups/rotation.ts';
import { defineTask } from '../engine/task.ts';

const assertion = z
  .strictObject({
    name: z.string().min(1).describe('What reports call it'),
    sql: z.string().min(1).describe('One statement whose answer is one value'),
    expect: z.union([z.string(), z.number(), z.boolean()]).optional().describe('The value that must come back'),
    min: z.number().optional().describe('The number that comes back must not be smaller'),
    max: z.number().optional().describe('The number that comes back must not be larger'),
  })
  .refine(({ expect, min, max }) => expect !== undefined || min !== undefined || max !== undefined, {
    message: 'expects nothing: give at least one of expect, min and max',
  });

const command = z.strictObject({
  run: z
    .array(z.string().min(1))
    .min(1)
    .describe('A program and its arguments; DATABASE_URL leads it to the restored copy'),
  timeout: durationSetting.prefault('10 min').describe('How long it may take'),
});

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where the backups are; `backups.directory` where left out'),
  pick: z
    .enum(PICKS)
    .default('rotate')
    .describe('rotate gives each copy and each age its turn; or always the newest, the oldest, or one by chance'),
  copy: z
    .string()
    .min(1)
    .optional()
    .describe('Only this copy: local, or a name under `backups.copies`; where left out, rotate takes all of them'),
  scratch: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A folder with room for the whole database, and better for the unpacked dump too; the temporary folder of the system where left out',
    ),
  jobs: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('Tables loaded and indexes built at the same time; one per processor where left out'),
  rto: durationSetting.optional().describe('A restore must not take longer than this'),
  rpo: durationSetting.optional().describe('What the newest backup holds must not be older than this'),
  amcheck: z.boolean().default(true).describe('Look at every page and index too, where pg_amcheck is installed'),
  assertions: z.array(assertion).default([]).describe('Questions to the restored database, with their answers'),
  command: command.optional().describe("The application's own test; it fails with any exit code but 0"),
  server: connectionSetting
    .optional()
    .describe('A database URL of another server to make the database on; a throw-away server where left out'),
  sameServer: z.boolean().default(false).describe('Whether `server` may be the very one that the backup came from'),
  serverMajor: z
    .int()
    .min(12)
    .optional()
    .describe("Rehearse an upgrade to this major version of PostgreSQL; the backup's own where left out"),
  skipExtensions: z
    .array(z.string().min(1))
    .default([])
    .describe('Extensions to do without, because the machine of the test does not have them'),
});

export type RestoreTestSettings = z.infer<typeof settings>;

/** Proves a backup by what it is for: it is restored into a server of its own, questioned, and thrown away. */
export const restoreTest = defineTask<RestoreTestSettings>({
  name: 'restore-test',
  summary: 'Restore a backup into a throw-away server and question it',
  tier: 'monthly',
  effect: 'changes',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 12 * 60 * 60_000,
  settings,
  flags: [
    { flag: '--pick <which>', summary: 'rotate, newest, oldest or random', setting: 'pick' },
    { flag: '--copy <name>', summary: 'only this copy', setting: 'copy' },
    { flag: '--directory <path>', summary: 'where the backups are', setting: 'directory' },
    { flag: '--scratch <path>', summary: 'where the throw-away server is made', setting: 'scratch' },
    { flag: '--rto <time>', summary: 'fail when the restore takes longer', setting: 'rto' },
    { flag: '--rpo <age>', summary: 'fail when the newest backup is older', setting: 'rpo' },
    { flag: '--server-major <n>', summary: 'rehearse an upgrade to this version', setting: 'serverMajor' },
  ],
  examples: [
    { command: 'maint restore-test', summary: 'whichever backup has its turn' },
    { command: 'maint restore-test --pick newest --rto 30min', summary: 'the newest one, and in time' },
    { command: 'maint restore-test --copy offsite', summary: 'what if this house burns down?' },
    { command: 'maint restore-test --server-major 18', summary: 'would the upgrade work?' },
  ],

  plan: async (context) => (await import('./restore-test/plan.ts')).planRestoreTest(context),
});
