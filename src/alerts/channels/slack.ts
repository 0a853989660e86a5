import { z } from 'zod';
import { footerOf, markOf, nameOf, shownOf, subjectOf, type AlertMessage } from '../message.ts';
import type { Notification } from '../notification.ts';
import { clip, fitted, roomsOf, type Room } from '../text.ts';
import { addressSetting, nameSetting, type Post } from './channel.ts';
import { entryOf, sinceOf } from './entries.ts';

/** A channel of Slack. */
export const slackSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('slack').describe('An incoming webhook of Slack'),
  url: addressSetting,
});

type PlainText = {
  readonly type: 'plain_text';
  readonly text: string;
};

type Markdown = {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** Keeps Slack from making links and mentions of words. */
  readonly verbatim: true;
};

type Block =
  | { readonly type: 'header'; readonly text: PlainText }
  | { readonly type: 'section'; readonly text: Markdown }
  | { readonly type: 'context'; readonly elements: readonly [Markdown] };

/** The body of a request to an incoming webhook of Slack. */
type SlackPayload = {
  /** For notifications and screen readers; already escaped. */
  readonly text: string;
  readonly blocks: readonly Block[];
};

const HEADER_LIMIT = 150;
const TEXT_LIMIT = 300;

/** Slack refuses messages somewhere above 9,600 characters in all their blocks, without saying where. */
const PAYLOAD_LIMIT = 8_000;
/** Tried in this order until the whole payload fits. */
const ROOMS = roomsOf(1_500, 700, 400, 220);

/** What to send. */
export function slackPosts({ url }: z.output<typeof slackSettings>, message: AlertMessage): readonly Post[] {
  return [{ via: 'http', url, body: { json: slackPayload(message) } }];
}

/**
 * Writes a message for an incoming webhook of Slack, at most 8,000 characters of JSON.
 * @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 */
export function slackPayload(message: AlertMessage): SlackPayload {
  return fitted(
    ROOMS,
    (room) => payload(message, room),
    (result) => JSON.stringify(result).length <= PAYLOAD_LIMIT,
  );
}

function payload(message: AlertMessage, { limit, count }: Room): SlackPayload {
  const { shown, more } = shownOf(message, count);
  const subject = subjectOf(message);
  return {
    text: escaped(subject, TEXT_LIMIT),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: clip(subject, HEADER_LIMIT) } },
      ...shown.map((notification): Block => section(notification, limit)),
      ...(more > 0 ? [{ type: 'section', text: markdown(`+${more} more`) } satisfies Block] : []),
      { type: 'context', elements: [markdown(escaped(footerOf(message), TEXT_LIMIT))] },
    ],
  };
}

function section(notification: Notification, limit: number): Block {
  const { summary, facts, remediation } = entryOf(notification, limit / 2);
  const head = `*${markOf(notification)}* ${escaped(nameOf(notification), limit / 3)} (${sinceOf(notification)})`;
  const lines = [
    summary,
    ...facts.filter(({ name }) => name !== 'Status').map(({ name, value }) => `${name}: ${value}`),
    ...remediation.map((line) => `→ ${line}`),
  ].join('\n');
  const room = Math.max(0, limit - head.length - 1);
  return { type: 'section', text: markdown(`${head}\n${escaped(lines, room)}`.trimEnd()) };
}

function markdown(text: string): Markdown {
  return { type: 'mrkdwn', text, verbatim: true };
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Escapes what Slack asks to escape, and clips so that neither an escape nor a character is cut in two. */
function escaped(text: string, limit: number): string {
  let result = '';
  for (const character of text) {
    const next = ESCAPES[character] ?? character;
    if (result.length + next.length > limit - 1) return `${result}…`;
    result += next;
  }
  return result;
}
