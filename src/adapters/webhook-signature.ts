import { createHmac } from 'node:crypto';
import type { Secret } from '../base/secret.ts';

/** What a signature covers. */
export interface SignedContent {
  readonly id: string;
  /** Seconds since 1970, of the attempt. */
  readonly timestamp: number;
  readonly body: string;
}

const PREFIX = 'whsec_';
const KEY_MIN_BYTES = 24;
const KEY_MAX_BYTES = 64;

/**
 * Is this a key of Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes? Two keys with a space between them are
 * allowed while one replaces the other.
 */
export function isSigningKey(key: Secret): boolean {
  const words = wordsOf(key);
  return words.length > 0 && words.every((word) => word.startsWith(PREFIX) && isKeyLength(bytesOf(word).length));
}

/**
 * Signs a message; one signature for each key.
 * @returns the value of the header `webhook-signature`
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookSignature({ id, timestamp, body }: SignedContent, key: Secret): string {
  const content = `${id}.${timestamp}.${body}`;
  return wordsOf(key)
    .map((word) => `v1,${createHmac('sha256', bytesOf(word)).update(content).digest('base64')}`)
    .join(' ');
}

function wordsOf(key: Secret): readonly string[] {
  return key
    .reveal()
    .split(/\s+/)
    .filter((word) => word !== '');
}

function bytesOf(word: string): Buffer {
  return Buffer.from(word.slice(PREFIX.length), 'base64');
}

function isKeyLength(length: number): boolean {
  return length >= KEY_MIN_BYTES && length <= KEY_MAX_BYTES;
}
