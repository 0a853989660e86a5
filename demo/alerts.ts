import { z } from 'zod';
import type { Receiver } from '../test/support/receiver.ts';

const slackMessage = z.object({
  blocks: z.array(
    z.object({
      text: z.object({ text: z.string() }).optional(),
      elements: z.array(z.object({ text: z.string() })).optional(),
    }),
  ),
});

const webhookMessage = z.object({ type: z.string() });

type Received = Receiver['requests'][number];

/** What the receiver got since it was last looked at, by channel. */
export interface NewAlerts {
  /** The Slack message as a person reads it, line by line. */
  readonly slack: readonly string[];
  /** The types of the signed webhook messages, such as `maint.alert.firing`. */
  readonly webhook: readonly string[];
}

/** @returns a function that tells what arrived since its last call */
export function alertReader(receiver: Receiver): () => NewAlerts {
  let seen = 0;
  return () => {
    const accepted = receiver.accepted().slice(seen);
    seen += accepted.length;
    const isSlack = ({ path }: Received): boolean => path.startsWith('/services/');
    return {
      slack: accepted.filter(isSlack).flatMap(({ json }) => slackLines(json)),
      webhook: accepted.filter((each) => !isSlack(each)).map(({ json }) => webhookMessage.parse(json).type),
    };
  };
}

function slackLines(json: unknown): readonly string[] {
  return slackMessage
    .parse(json)
    .blocks.flatMap(({ text, elements = [] }) => [text?.text ?? '', ...elements.map((element) => element.text)])
    .filter((text) => text !== '')
    .flatMap((text) => text.split('\n'))
    .map((line) => line.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
}
