import { z } from 'zod';
import { MaintError } from './errors.ts';
import { parseDuration, parseSize } from './units.ts';

/** A setting that a person writes as a duration (`7 days`) and a task reads as milliseconds. */
export const durationSetting = z
  .string()
  .meta({ title: 'duration', examples: ['30s', '15 min', '26h', '7 days'] })
  .transform((text, context) => read(text, parseDuration, context));

/** A setting that a person writes as a size (`64 MB`) and a task reads as bytes. */
export const sizeSetting = z
  .string()
  .meta({ title: 'size', examples: ['64 MB', '1.5 GB'] })
  .transform((text, context) => read(text, parseSize, context));

function read(text: string, parse: (text: string) => number, context: z.RefinementCtx): number {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    context.addIssue({ code: 'custom', message: `${error.message}. ${error.hint}` });
    return z.NEVER;
  }
}
