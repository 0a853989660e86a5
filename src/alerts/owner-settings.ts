import { z } from 'zod';
import { MaintError } from '../base/errors.ts';
import { parseHours } from './hours.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
const NAME_RULE = 'must be lower-case letters, digits and hyphens, at most 40';

/** A setting that is hours in a time zone. */
export const hoursSetting = z
  .string()
  .meta({ title: 'hours', examples: ['Mon-Fri 09:00-18:00 Europe/Berlin'] })
  .transform((text, context) => {
    try {
      return parseHours(text);
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      context.addIssue({ code: 'custom', message: `${error.message}. ${error.hint}` });
      return z.NEVER;
    }
  });

const owner = z.strictObject({
  contact: z.string().min(1).max(120).describe('How to reach them, as each message shows it: @db, a phone number'),
  hours: hoursSetting
    .optional()
    .describe('When they are at work; what is no page waits until then. Always where left out'),
  backup: z.string().optional().describe('The owner to ask when they cannot be reached'),
});

/** The block `owners` of the configuration: who looks after what. */
export const ownerSettings = z.record(z.string().regex(NAME, NAME_RULE), owner);

/** The block as read. */
export type OwnerSettings = z.output<typeof ownerSettings>;
