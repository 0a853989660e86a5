import { z } from 'zod';
import { isJsonPost, wellFormed, type Contract, type Request } from './contract.ts';

const embed = z.strictObject({
  title: z.string().min(1).max(256),
  url: z.url().optional(),
  description: z.string().max(4_096),
  color: z.int().min(0).max(0xff_ff_ff),
  fields: z
    .array(
      z.strictObject({ name: z.string().min(1).max(256), value: z.string().min(1).max(1_024), inline: z.boolean() }),
    )
    .max(25),
  footer: z.strictObject({ text: z.string().min(1).max(2_048) }).optional(),
  timestamp: z.iso.datetime(),
});

const discordMessage = z.strictObject({
  username: z.string().max(80),
  content: z.string().max(2_000),
  embeds: z.array(embed).min(1).max(10),
  // Nobody may be called by what stands in a log.
  allowed_mentions: z.strictObject({ parse: z.array(z.string()).max(0) }),
});

function discordSize({ embeds }: z.output<typeof discordMessage>): number {
  const texts = embeds.flatMap(({ title, description, fields, footer }) => [
    title,
    description,
    footer?.text ?? '',
    ...fields.flatMap(({ name, value }) => [name, value]),
  ]);
  return texts.join('').length;
}

/** A webhook of Discord: https://discord.com/developers/docs/resources/webhook#execute-webhook */
export const discord: Contract = {
  path: /^\/api\/webhooks\/\d+\/[\w-]+$/,
  violation(request) {
    const { data } = discordMessage.safeParse(request.json);
    if (!isJsonPost(request) || data === undefined) return 'invalid_form_body';
    return discordSize(data) > 6_000 ? 'embeds_too_large' : wellFormed(request);
  },
  answer: ({ query }) =>
    query['wait'] === 'true' ? { status: 200, body: JSON.stringify({ id: '1100' }) } : { status: 204, body: '' },
};

const COLORS = ['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'] as const;

const textBlock = z.strictObject({
  type: z.literal('TextBlock'),
  text: z.string().min(1),
  weight: z.enum(['Default', 'Lighter', 'Bolder']).optional(),
  size: z.enum(['Default', 'Small', 'Medium', 'Large', 'ExtraLarge']).optional(),
  wrap: z.literal(true),
  style: z.literal('heading').optional(),
  color: z.enum(COLORS).optional(),
  isSubtle: z.boolean().optional(),
  separator: z.boolean().optional(),
  fontType: z.enum(['Default', 'Monospace']).optional(),
});

const factSet = z.strictObject({
  type: z.literal('FactSet'),
  facts: z.array(z.strictObject({ title: z.string().min(1), value: z.string().min(1) })).min(1),
});

const teamsMessage = z.strictObject({
  type: z.literal('message'),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null(),
        content: z.strictObject({
          $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
          type: z.literal('AdaptiveCard'),
          // Workflows take nothing newer.
          version: z.enum(['1.0', '1.1', '1.2', '1.3', '1.4']),
          fallbackText: z.string().min(1),
          msteams: z.strictObject({ width: z.literal('full') }),
          body: z.array(z.discriminatedUnion('type', [textBlock, factSet])).min(1),
          actions: z
            .array(z.strictObject({ type: z.literal('Action.OpenUrl'), title: z.string().min(1), url: z.url() }))
            .optional(),
        }),
      }),
    )
    .length(1),
});

const TEAMS_LIMIT_BYTES = 28 * 1_024;

/** A workflow of Microsoft Teams ("post to a channel when a webhook request is received"). */
export const teams: Contract = {
  path: /^\/workflows\//,
  violation(request: Request) {
    if (!isJsonPost(request) || !teamsMessage.safeParse(request.json).success) return 'no_adaptive_card';
    return Buffer.byteLength(request.body) > TEAMS_LIMIT_BYTES ? 'card_too_large' : wellFormed(request);
  },
  answer: () => ({ status: 202, body: '' }),
};
