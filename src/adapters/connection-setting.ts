import { z } from 'zod';
import { MaintError } from '../base/errors.ts';
import { parseConnection } from './connection.ts';
import { secretSetting } from './secret-setting.ts';

/** A setting that is a database URL, which is a secret as a whole. It reads files and runs programs, so parse with `parseAsync`. */
export const connectionSetting = secretSetting.transform((url, context) => {
  try {
    return parseConnection(url);
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    context.addIssue({ code: 'custom', message: `${error.message}. ${error.hint}` });
    return z.NEVER;
  }
});
