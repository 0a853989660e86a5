import { z } from 'zod';
import { addressMatches, type JsonBody } from '../../adapters/http.ts';
import { footerOf, shownOf, type AlertMessage } from '../message.ts';
import { clip, fitted, roomsOf, type Room } from '../text.ts';
import { addressSetting, nameSetting, type Post } from './channel.ts';
import { entriesOf, type Entry, type Tone } from './entries.ts';

/** A channel of Discord. */
export const discordSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('discord').describe('A webhook of a channel of Discord'),
  url: addressSetting.refine(
    (url) => !addressMatches(url, /\/(?:slack|github)\/?$/),
    'must be the address as Discord gives it, without /slack or /github at its end',
  ),
});

type Embed = {
  readonly title: string;
  readonly url?: string;
  readonly description: string;
  readonly color: number;
  readonly fields: readonly { readonly name: string; readonly value: string; readonly inline: boolean }[];
  readonly footer?: { readonly text: string };
  readonly timestamp: string;
};

const COLORS: Readonly<Record<Tone, number>> = {
  failing: 0xd0_02_1b,
  warning: 0xf5_a6_23,
  recovered: 0x2e_b6_7d,
  test: 0x4a_90_e2,
};
const TITLE_LIMIT = 256;
const DESCRIPTION_LIMIT = 4_096;
const FIELD_LIMIT = 1_024;
/** Over all embeds together. */
const TOTAL_LIMIT = 6_000;
/** Tried in this order until the sum fits. */
const ROOMS = roomsOf(1_000, 500, 200, 100, 60);

/**
 * What to send: one embed for each of the first ten notifications. Discord is asked to wait, so that its answer means
 * that the message is there.
 * @see https://discord.com/developers/docs/resources/webhook#execute-webhook
 */
export function discordPosts({ url }: z.output<typeof discordSettings>, message: AlertMessage): readonly Post[] {
  const { embeds, more } = fitted(
    ROOMS,
    (room) => ({ embeds: embedsOf(message, room), more: shownOf(message, room.count).more }),
    (result) => sizeOf(result.embeds) <= TOTAL_LIMIT,
  );
  const json: JsonBody = {
    username: 'maint',
    content: more > 0 ? `+${more} more` : '',
    embeds,
    // A log line with @everyone in it must call nobody.
    allowed_mentions: { parse: [] },
  };
  return [{ via: 'http', url, query: { wait: 'true' }, body: { json }, idKey: 'id' }];
}

/** The last of them says where it comes from. */
function embedsOf(message: AlertMessage, room: Room): readonly Embed[] {
  const entries = entriesOf(message, room);
  return entries.map((entry, index) => ({
    ...embed(entry, message),
    ...(index === entries.length - 1 && { footer: { text: footerOf(message) } }),
  }));
}

function embed({ tone, title, summary, facts, remediation, link }: Entry, message: AlertMessage): Embed {
  const steps = remediation.map((line) => `→ ${escaped(line)}`);
  return {
    title: clip(title, TITLE_LIMIT),
    ...(link !== undefined && { url: link }),
    description: clip([escaped(summary), ...steps].join('\n'), DESCRIPTION_LIMIT),
    color: COLORS[tone],
    fields: facts.map(({ name, value }) => ({
      name,
      value: clip(escaped(value), FIELD_LIMIT),
      inline: name === 'Owner',
    })),
    timestamp: message.at,
  };
}

function sizeOf(embeds: readonly Embed[]): number {
  const texts = embeds.flatMap(({ title, description, fields, footer }) => [
    title,
    description,
    footer?.text ?? '',
    ...fields.flatMap(({ name, value }) => [name, value]),
  ]);
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function escaped(text: string): string {
  return text.replaceAll(/[\\*_~`|>[\]]/g, String.raw`\$&`);
}
