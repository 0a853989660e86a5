import { z } from 'zod';
import { isHttpUrl, type JsonBody } from '../../adapters/http.ts';
import type { Letter, MailServer } from '../../adapters/mail.ts';
import { secretSetting } from '../../adapters/secret-setting.ts';
import type { Secret } from '../../base/secret.ts';

/** The name of a channel, as every type has it. */
export const nameSetting = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, at most 40')
  .describe('What reports and `maint alerts test` call this channel; different for each one');

/** The address of a channel that is one URL. */
export const addressSetting = secretSetting
  .refine(isHttpUrl, 'must be an http:// or https:// URL')
  .describe('Where messages are posted to; treated as a secret');

/** One HTTP request of a channel, as data: it can be shown before it is sent. */
export interface Post {
  readonly via: 'http';
  readonly url: Secret;
  /** Added to the path of the address. */
  readonly suffix?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly bearer?: Secret | undefined;
  /** Text as it is, or data whose secrets are written out only when it leaves the process. */
  readonly body: string | { readonly json: JsonBody };
  /** Headers beyond those that follow from the body; asked for anew for each try. */
  readonly headers?: (at: Date) => Readonly<Record<string, string>>;
  /** The key of the answer under which the service tells its own id. */
  readonly idKey?: string;
  /** A status that is 2xx and yet means that nothing was sent. */
  readonly emptyStatus?: number;
}

/** One letter of a channel. */
export interface Mailing {
  readonly via: 'smtp';
  readonly server: MailServer;
  readonly letter: Letter;
}

/** One thing to send. */
export type Parcel = Post | Mailing;
