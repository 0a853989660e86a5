import { z } from 'zod';

const places = (what: string) => z.int().nonnegative().default(0).describe(`How many ${what} to keep`);

/** Which backups stay when newer ones have come. */
export const keepSettings = z
  .strictObject({
    last: places('of the newest backups'),
    daily: places('days, with the newest backup of each,'),
    weekly: places('weeks, with the newest backup of each,'),
    monthly: places('months, with the newest backup of each,'),
    yearly: places('years, with the newest backup of each,'),
    minVerified: z.int().positive().default(3).describe('So many of the newest verified backups always stay'),
  })
  .refine(({ last, daily, weekly, monthly, yearly }) => last + daily + weekly + monthly + yearly > 0, {
    message: 'names nothing to keep: give at least one of last, daily, weekly, monthly and yearly',
  });
