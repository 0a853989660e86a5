import { z } from 'zod';
import { isMailUrl } from '../../adapters/mail.ts';
import { secretSetting } from '../../adapters/secret-setting.ts';
import { subjectOf, type AlertMessage } from '../message.ts';
import { clip } from '../text.ts';
import { nameSetting, type Mailing } from './channel.ts';
import { plainText } from './plain.ts';

const address = z.string().regex(/^[^\s<>@,;]+@[^\s<>@,;]+$/, 'must be one address, such as ops@example.com');

/** A channel that is e-mail. */
export const emailSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('email').describe('E-mail through an SMTP server'),
  server: secretSetting
    .refine(isMailUrl, 'must be an smtp:// or smtps:// URL')
    .describe('Such as smtp://user:password@mail.example.com:587, or smtps:// for TLS from the first byte; a secret'),
  tls: z
    .enum(['required', 'none'])
    .default('required')
    .describe('`required` sends nothing over smtp:// before STARTTLS; `none` is for a mail server on this very host'),
  authorityFile: z
    .string()
    .min(1)
    .optional()
    .describe('A PEM file with the authority of the certificate of the server; those of Node.js where left out'),
  from: address.describe('The address that letters come from'),
  to: z.array(address).min(1).max(20).describe('Who gets them'),
});

const SUBJECT_LIMIT = 200;
const ROOM = { limit: 3_000, count: 10 };

/**
 * What to send: one letter of plain text. Letters about the same problem belong to one thread, and one that is sent
 * again has the same id.
 */
export function emailLetters(channel: z.output<typeof emailSettings>, message: AlertMessage): readonly Mailing[] {
  const { server: url, tls, authorityFile, from, to } = channel;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return [
    {
      via: 'smtp',
      server: { url, tls, authorityFile },
      letter: {
        from: `maint <${from}>`,
        to,
        subject: clip(subjectOf(message), SUBJECT_LIMIT),
        text: `${plainText(message, ROOM)}\n`,
        messageId: `${message.id}.${channel.name}@${domain}`,
        references: threadsOf(message).map((thread) => `maint.${thread}@${domain}`),
      },
    },
  ];
}

function threadsOf({ kind, run, notifications }: AlertMessage): readonly string[] {
  return kind === 'test' ? [`test.${run}`] : notifications.slice(0, 1).map(({ fingerprint }) => fingerprint);
}
