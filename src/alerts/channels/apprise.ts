import { z } from 'zod';
import { addressMatches } from '../../adapters/http.ts';
import { subjectOf, type AlertMessage } from '../message.ts';
import { clip } from '../text.ts';
import { addressSetting, nameSetting, type Post } from './channel.ts';
import { toneOf, type Tone } from './entries.ts';
import { plainText } from './plain.ts';

/** A channel of Apprise, behind which stand more than a hundred other services. */
export const appriseSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('apprise').describe('A server of the API of Apprise'),
  url: addressSetting
    .refine((url) => addressMatches(url, /\/notify\/[^/]+\/?$/), 'must end in /notify/ and the key of a configuration')
    .describe('Such as https://apprise.example.com/notify/ops; treated as a secret'),
  tag: z
    .string()
    .min(1)
    .optional()
    .describe('Only the services of the configuration with this tag; all where left out'),
});

const TYPES: Readonly<Record<Tone, string>> = {
  failing: 'failure',
  warning: 'warning',
  recovered: 'success',
  test: 'info',
};
const TITLE_LIMIT = 250;
const ROOM = { limit: 1_500, count: 10 };
/** What the API answers when the key has no configuration: nothing went anywhere. */
const NOTHING_SENT = 204;

/**
 * What to send: title and plain text.
 * @see https://github.com/caronc/apprise-api
 */
export function apprisePosts({ url, tag }: z.output<typeof appriseSettings>, message: AlertMessage): readonly Post[] {
  const json = {
    title: clip(subjectOf(message), TITLE_LIMIT),
    body: plainText(message, ROOM),
    type: TYPES[toneOf(message)],
    format: 'text',
    ...(tag !== undefined && { tag }),
  };
  return [{ via: 'http', url, body: { json }, emptyStatus: NOTHING_SENT }];
}
