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

/** How much a server may keep, and what it does when that is full. */
export interface RedisMemory {
  readonly usedBytes: number;
  readonly maxBytes: number;
  /** `noeviction` refuses every write once the memory is full; the others give something up. */
  readonly policy: string;
}

/**
 * Logs in where the address has a password, sends PING, and asks for the memory.
 * @returns undefined where the memory has no limit, or the user may not ask for it
 * @throws MaintError HOST_UNREACHABLE when there is no answer, or another than PONG
 */
export async function pingRedis(url: Secret, { timeoutMs, signal }: Limits): Promise<RedisMemory | undefined> {
  const [address, place] = [addressOf(url), redisPlace(url)];
  if (address === undefined || place === undefined)
    throw new MaintError('CONFIG_INVALID', 'this is no address of Redis');
  const login = [address.username, address.password].map(decodeURIComponent).filter((word) => word !== '');
  return converse({ ...place, timeoutMs, signal }, async (redis) => {
    if (login.length > 0) await ask(redis, ['AUTH', ...login], 'OK');
    await ask(redis, ['PING'], 'PONG');
    const memory = await askMemory(redis);
    redis.say(command(['QUIT']));
    return memory;
  });
}

/** What stands between may know PING and hang up at anything else: that is no reason to call it broken. */
async function askMemory(redis: Conversation): Promise<RedisMemory | undefined> {
  redis.say(command(['INFO', 'memory']));
  try {
    return memoryOf(await readText(redis));
  } catch {
    return undefined;
  }
}

/** @returns no text where the server refuses to tell: a user may be allowed to do nothing but its work */
async function readText(redis: Conversation): Promise<string> {
  const length = Number(/^\$(\d+)$/.exec(await redis.readLine())?.[1] ?? 0);
  const lines: string[] = [];
  let bytes = 0;
  while (bytes < length) {
    const line = await redis.readLine();
    lines.push(line);
    bytes += Buffer.byteLength(line) + 2;
  }
  return lines.join('\n');
}

function memoryOf(text: string): RedisMemory | undefined {
  const valueOf = (key: string): string | undefined => new RegExp(`^${key}:(.*)$`, 'm').exec(text)?.[1];
  const [usedBytes, maxBytes] = ['used_memory', 'maxmemory'].map((key) => Number(valueOf(key) ?? 0));
  if (usedBytes === undefined || maxBytes === undefined || !(maxBytes > 0)) return undefined;
  return { usedBytes, maxBytes, policy: printable(valueOf('maxmemory_policy') ?? 'unknown') };
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
