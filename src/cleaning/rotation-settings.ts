import { z } from 'zod';
import { durationSetting, sizeSetting } from '../base/settings.ts';
import { nameSetting, patternSetting, rootSetting } from './settings.ts';

const rotationSetting = z
  .strictObject({
    name: nameSetting.describe('What reports and alerts call it'),
    root: rootSetting.describe('The folder in which the logs lie; nothing outside is ever touched'),
    files: z.array(patternSetting).min(1).describe('The logs, as globs relative to the root, without rotated ones'),
    size: sizeSetting.optional().describe('A log of this size or more is put aside'),
    age: durationSetting.optional().describe('A log is put aside so long after it was last, or after it was made'),
    keep: z.int().positive().describe('How many files that were put aside stay of each log'),
    compress: z.enum(['zstd', 'gzip', 'none']).default('zstd').describe('How they are kept'),
    method: z
      .enum(['copytruncate', 'rename'])
      .describe('Copy and empty the log, or rename it and tell its program to open it anew'),
    reopen: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('The command that tells the program, with its arguments; no shell, no secret in it'),
  })
  .refine(({ size, age }) => (size ?? age) !== undefined, { message: 'needs size or age' })
  .refine(({ method, reopen }) => (method === 'rename') === (reopen !== undefined), {
    path: ['reopen'],
    message: 'belongs to the method rename, and is needed there',
  });

/** Which logs are put aside, when and how. */
export type Rotation = z.infer<typeof rotationSetting>;

/** Only logs that are named here are ever rotated. */
export const rotationsSetting = z.array(rotationSetting);
