import { isAbsolute, normalize } from 'node:path';
import { z } from 'zod';
import { durationSetting, sizeSetting } from '../base/settings.ts';
import { systemFolderReason } from './system-folders.ts';

export const nameSetting = z
  .string()
  .regex(/^[a-z0-9]+([-_][a-z0-9]+)*$/, { message: 'must be made of lower-case words, digits and hyphens' });

export const rootSetting = z
  .string()
  .refine(isAbsolute, { message: 'must be an absolute path' })
  .transform((path) => normalize(path).replace(/(?<=.)\/+$/, ''))
  .superRefine((path, context) => {
    const reason = systemFolderReason(path);
    if (reason !== undefined) context.addIssue({ code: 'custom', message: reason });
  });

/** Relative to the root, downwards only. A name that begins with a dot is met by a pattern that has the dot alone. */
export const patternSetting = z
  .string()
  .min(1)
  .refine((pattern) => !isAbsolute(pattern) && !pattern.split('/').some((part) => part === '..' || part === ''), {
    message: 'must be relative to the root, without .. and without a slash at its end',
  });

const ruleSetting = z
  .strictObject({
    name: nameSetting.describe('What reports and alerts call the rule'),
    root: rootSetting.describe('The folder in which things go; nothing outside is ever touched'),
    files: z.array(patternSetting).min(1).optional().describe('Files that may go, as globs relative to the root'),
    folders: z
      .array(patternSetting)
      .min(1)
      .optional()
      .describe('Folders that may go as a whole, as globs; the newest thing in one says how old it is'),
    olderThan: durationSetting.optional().describe('What was last written to so long ago goes'),
    maxTotal: sizeSetting.optional().describe('The oldest go until all together take no more than this on the disk'),
    maxCount: z.int().nonnegative().optional().describe('The oldest go until no more than so many are left'),
    keepNewest: z.int().nonnegative().default(0).describe('So many of the newest stay whatever the limits say'),
    keepYoungerThan: durationSetting
      .optional()
      .describe('What was written to since stays whatever the limits say; one hour, or olderThan where that is less'),
    maxPerRun: z.int().positive().default(10_000).describe('No more than so many go in one run, the oldest of them'),
  })
  .refine(({ files, folders }) => (files === undefined) !== (folders === undefined), {
    message: 'needs either files or folders',
  })
  .refine(({ olderThan, maxTotal, maxCount }) => (olderThan ?? maxTotal ?? maxCount) !== undefined, {
    message: 'needs olderThan, maxTotal or maxCount',
  });

/** Which files or folders may go. */
export type CleaningRule = z.infer<typeof ruleSetting>;

/** Rules as data: without one nothing is ever removed. */
export const cleaningRulesSetting = z.array(ruleSetting);
