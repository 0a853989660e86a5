import { z } from 'zod';
import { anomalySettings } from '../backups/anomaly.ts';
import { keepSettings } from '../backups/keep-settings.ts';
import { yieldSettings } from '../backups/yield.ts';
import { defineTask } from '../engine/task.ts';

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where this task keeps backups; `backups.directory` where left out'),
  compressionLevel: z.int().min(1).max(19).default(1).describe('Level of zstd: 1 is fastest, 19 smallest'),
  globals: z
    .boolean()
    .default(true)
    .describe('Whether the roles of the server go beside the dump, with memberships and settings, without passwords'),
  keep: keepSettings
    .optional()
    .describe('Which backups stay when newer ones have come; without it nothing is ever removed'),
  yield: yieldSettings.prefault({}).describe('What happens when a migration or another session waits for the dump'),
  anomalies: anomalySettings.prefault({}).describe('When fewer rows than usual make a backup suspicious'),
});

export type BackupSettings = z.infer<typeof settings>;

/** Dumps the database into a repository, proves the dump before it becomes visible, and lets old backups go. */
export const backup = defineTask<BackupSettings>({
  name: 'backup',
  summary: 'Dump the database, read the dump back, and let old backups go',
  tier: 'daily',
  effect: 'destroys',
  onFailure: 'stop',
  deadlineMs: 6 * 60 * 60_000,
  settings,
  flags: [{ flag: '--directory <path>', summary: 'keep the backups there', setting: 'directory' }],
  examples: [
    { command: 'maint backup', summary: 'take a verified backup now' },
    { command: 'maint backup --dry-run', summary: 'say what would be written and removed' },
  ],

  plan: async (context) => (await import('./backup/plan.ts')).planBackup(context),
});
