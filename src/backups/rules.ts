import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';

const number = (what: string) => z.int().positive().optional().describe(what);

/** What must be so of the backups, for `maint backups status` to be content. */
export const ruleSettings = z.strictObject({
  maxAge: durationSetting.optional().describe('The newest verified backup must not be older than this'),
  maxVerifyAge: durationSetting
    .optional()
    .describe('In each place, every byte of a backup must have been verified within this time'),
  maxRestoreTestAge: durationSetting
    .optional()
    .describe('From each place, a backup must have been restored by a restore test within this time'),
  copies: number('There must be so many copies of the newest backup, the live database counting as one; 3 of 3-2-1'),
  media: number('On so many kinds of media; 2 of 3-2-1'),
  offsite: number('So many of them offsite; 1 of 3-2-1'),
  immutable: number('So many of them where nobody can delete them for a time'),
  readBackWithin: durationSetting
    .prefault('35 days')
    .describe('A copy counts when its bytes were read back, and were right, within this time'),
});

/** What must be so of the backups; a rule that nobody set is undefined. */
export type BackupRules = z.output<typeof ruleSettings>;
