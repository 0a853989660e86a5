import { isJsonPost, isObject, wellFormed, type Contract, type Request } from './contract.ts';

/** An incoming webhook of Slack, and its limits: https://docs.slack.dev/reference/block-kit/blocks */
export const slack: Contract = {
  path: /^\/services\//,
  violation: slackViolation,
  answer: () => ({ status: 200, body: 'ok' }),
};

function slackViolation(request: Request): string | undefined {
  const { json, body } = request;
  if (!isJsonPost(request) || !isObject(json)) return 'invalid_payload';
  if (typeof json['text'] !== 'string' || json['text'] === '') return 'no_text';
  if (!Array.isArray(json['blocks']) || json['blocks'].length > 50) return 'invalid_blocks';
  if (body.length > 8_000) return 'msg_blocks_too_long';
  if (hasBareMarkup(json['text'])) return 'unescaped_text';
  return json['blocks'].map(blockViolation).find((violation) => violation !== undefined) ?? wellFormed(request);
}

function blockViolation(block: unknown): string | undefined {
  if (!isObject(block)) return 'invalid_blocks';
  const elements = Array.isArray(block['elements']) ? block['elements'] : [];
  const texts: readonly unknown[] = block['type'] === 'context' ? elements : [block['text']];
  const limit = block['type'] === 'header' ? 150 : 3_000;
  const kind = block['type'] === 'header' ? 'plain_text' : 'mrkdwn';
  for (const text of texts) {
    if (!isObject(text) || typeof text['text'] !== 'string' || text['type'] !== kind) return 'invalid_blocks';
    if (text['text'] === '' || text['text'].length > limit) return 'invalid_blocks_length';
    if (kind === 'mrkdwn' && hasBareMarkup(text['text'])) return 'unescaped_text';
  }
  return texts.length === 0 ? 'invalid_blocks' : undefined;
}

function hasBareMarkup(text: string): boolean {
  return /[<>]|&(?!(?:amp|lt|gt);)/.test(text);
}
