import { z } from 'zod';
import { hasForm, secretSetting } from '../../adapters/secret-setting.ts';
import { Secret } from '../../base/secret.ts';
import { subjectOf, type AlertMessage } from '../message.ts';
import { clip, fitted, roomsOf, shortenedToBytes } from '../text.ts';
import { nameSetting, type Post } from './channel.ts';
import { entriesOf, toneOf, type Tone } from './entries.ts';
import { plainText } from './plain.ts';

/** A channel of ntfy. */
export const ntfySettings = z.strictObject({
  name: nameSetting,
  type: z.literal('ntfy').describe('A topic of ntfy'),
  server: z
    .string()
    .default('https://ntfy.sh')
    .refine(isRoot, 'must be the address of the server alone, without the topic: https://ntfy.example.com')
    .describe('The server; messages go to its root'),
  topic: secretSetting
    .refine((topic) => hasForm(topic, /^[-\w]{1,64}$/), 'must be up to 64 letters, digits, hyphens and underscores')
    .describe('The topic; treated as a secret, for on a server without accounts whoever knows it can read it'),
  token: secretSetting.optional().describe('An access token, `tk_…`'),
});

const TITLE_LIMIT = 200;
/** A longer message becomes an attachment, which nobody reads at night. */
const MESSAGE_LIMIT_BYTES = 4_000;
/** Tried in this order until the message fits. */
const ROOMS = roomsOf(1_000, 500, 250, 100);
const TAGS: Readonly<Record<Tone, string>> = {
  failing: 'rotating_light',
  warning: 'warning',
  recovered: 'white_check_mark',
  test: 'test_tube',
};

/**
 * What to send: one message, whose priority says how urgent it is.
 * @see https://docs.ntfy.sh/publish/#publish-as-json
 */
export function ntfyPosts(channel: z.output<typeof ntfySettings>, message: AlertMessage): readonly Post[] {
  const link = entriesOf(message, ROOMS[0]).find((entry) => entry.link !== undefined)?.link;
  const text = fitted(
    ROOMS,
    (room) => plainText(message, room),
    (result) => Buffer.byteLength(result) <= MESSAGE_LIMIT_BYTES,
  );
  return [
    {
      via: 'http',
      url: new Secret(channel.server),
      bearer: channel.token,
      body: {
        json: {
          topic: channel.topic,
          title: clip(subjectOf(message), TITLE_LIMIT),
          message: shortenedToBytes(text, MESSAGE_LIMIT_BYTES),
          priority: priorityOf(message),
          tags: [TAGS[toneOf(message)]],
          ...(link !== undefined && { click: link, actions: [{ action: 'view', label: 'Runbook', url: link }] }),
        },
      },
      idKey: 'id',
    },
  ];
}

/** 5 rings through the night, 1 makes no sound. */
function priorityOf(message: AlertMessage): number {
  if (message.test?.isCanary === true) return 1;
  const tone = toneOf(message);
  if (tone === 'recovered' || tone === 'test') return 2;
  if (tone === 'warning') return 3;
  return message.notifications.some((each) => each.alertClass === 'page') ? 5 : 3;
}

function isRoot(server: string): boolean {
  const url = URL.parse(server);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.pathname === '/' && url.search === '' && url.username === '' && url.hash === '';
}
