import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Secret } from '../base/secret.ts';
import { converse, type Conversation } from './conversation.ts';

const PORT = 6_379;

/** Where a server of Redis listens; its address without what is secret. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** @returns undefined where the text is no address of Redis */
export function redisPlace(url: Secret): RedisPlace | undefined {
  const address = addressOf(url);
  if (address === undefined) return undefined;
  const host = address.hostname.replaceAll(/^\[|\]$/g, '');
  return { host, port: Number(address.port || PORT), tls: address.protocol === 'rediss:' };
}

function addressOf(url: Secret): URL | undefined {
  const address = URL.parse(url.reveal());
  return address !== null && /^rediss?:$/.test(address.protocol) && address.hostname !== '' ? address : undefined;
}

/**
 * Logs in where the address has a password, and sends PING.
 * @throws MaintError HOST_UNREACHABLE when there is no answer, or another than PONG
 */
export async function pingRedis(url: Secret, { timeoutMs, signal }: Limits): Promise<void> {
  const [address, place] = [addressOf(url), redisPlace(url)];
  if (address === undefined || place === undefined)
    throw new MaintError('CONFIG_INVALID', 'this is no address of Redis');
  const login = [address.username, address.password].map(decodeURIComponent).filter((word) => word !== '');
  await converse({ ...place, timeoutMs, signal }, async (redis) => {
    if (login.length > 0) await ask(redis, ['AUTH', ...login], 'OK');
    await ask(redis, ['PING'], 'PONG');
    redis.say(command(['QUIT']));
  });
}

interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The answer of a server that refuses never repeats what it was sent. */
async function ask(redis: Conversation, words: readonly string[], expected: string): Promise<void> {
  redis.say(command(words));
  const answer = await redis.readLine();
  if (answer === `+${expected}`) return;
  throw new MaintError('HOST_UNREACHABLE', `answered ${words[0] ?? ''} with ${printable(answer.slice(0, 100))}`);
}

/** @see https://redis.io/docs/latest/develop/reference/protocol-spec/ */
function command(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
