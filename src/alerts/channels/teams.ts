import { z } from 'zod';
import { addressMatches, type JsonBody } from '../../adapters/http.ts';
import { footerOf, shownOf, subjectOf, type AlertMessage } from '../message.ts';
import { clip, fitted, roomsOf, type Room } from '../text.ts';
import { addressSetting, nameSetting, type Post } from './channel.ts';
import { entriesOf, type Entry, type Tone } from './entries.ts';

const CONNECTOR = /(?:^|\.)webhook\.office\.com\/|^outlook\.office(?:365)?\.com\/webhook/;

/** A channel of Microsoft Teams. */
export const teamsSettings = z.strictObject({
  name: nameSetting,
  type: z.literal('teams').describe('A workflow of Microsoft Teams that posts to a channel or chat'),
  url: addressSetting.refine(
    (url) => !addressMatches(url, CONNECTOR),
    'is an Office 365 connector, which Microsoft has retired: messages sent to it are lost. Make a workflow instead ' +
      '(in Teams: the channel, Workflows, "Send webhook alerts to a channel") and use its address',
  ),
});

/** About 28 kB are taken; what is longer is dropped after the workflow has answered that all is well. */
const CARD_LIMIT_BYTES = 26_000;
/** Tried in this order until the card fits. */
const ROOMS = roomsOf(1_500, 700, 300, 120);
const COLORS: Readonly<Record<Tone, string>> = {
  failing: 'Attention',
  warning: 'Warning',
  recovered: 'Good',
  test: 'Accent',
};

/**
 * What to send: one adaptive card of version 1.2. The status of the answer says that the workflow has begun, not that
 * anything was shown.
 * @see https://adaptivecards.io/explorer/
 */
export function teamsPosts({ url }: z.output<typeof teamsSettings>, message: AlertMessage): readonly Post[] {
  const json = fitted(
    ROOMS,
    (room) => envelope(message, room),
    (result) => Buffer.byteLength(JSON.stringify(result)) <= CARD_LIMIT_BYTES,
  );
  return [{ via: 'http', url, body: { json } }];
}

function envelope(message: AlertMessage, room: Room): JsonBody {
  const entries = entriesOf(message, room);
  const links = entries.flatMap(({ link }) => (link === undefined ? [] : [link])).slice(0, 1);
  const { more } = shownOf(message, room.count);
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.2',
          fallbackText: clip(subjectOf(message), 300),
          msteams: { width: 'full' },
          body: [
            ...entries.flatMap(blocksOf),
            ...(more > 0 ? [block(`+${more} more`)] : []),
            { ...block(footerOf(message)), isSubtle: true, size: 'Small' },
          ],
          ...(links.length > 0 && {
            actions: links.map((link) => ({ type: 'Action.OpenUrl', title: 'Runbook', url: link })),
          }),
        },
      },
    ],
  };
}

function blocksOf({ tone, title, summary, facts, remediation }: Entry): readonly JsonBody[] {
  return [
    { ...block(clip(title, 250)), weight: 'Bolder', size: 'Medium', style: 'heading', color: COLORS[tone] },
    block(summary),
    { type: 'FactSet', facts: facts.map(({ name, value }) => ({ title: name, value: escaped(value) })) },
    ...remediation.map((line) => block(`→ ${line}`)),
  ];
}

function block(text: string) {
  return { type: 'TextBlock', text: escaped(text) === '' ? '–' : escaped(text), wrap: true };
}

/** Cards read a little Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[\\*_`[\]]/g, String.raw`\$&`);
}
