import { z } from 'zod';
import { converse, type Conversation } from '../adapters/conversation.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Secret } from '../base/secret.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings } from './reach.ts';

const redisSettings = z.strictObject({
  url: secretSetting
    .refine(
      (url) => addressOf(url) !== undefined,
      'must be redis:// or rediss:// with a host, such as redis://:password@cache:6379',
    )
    .describe('The server, as redis://user:password@host:6379; rediss:// with TLS'),
  ...reachSettings,
});
type RedisSettings = z.infer<typeof redisSettings>;

function addressOf(url: Secret): URL | undefined {
  const address = URL.parse(url.reveal());
  return address !== null && /^rediss?:$/.test(address.protocol) && address.hostname !== '' ? address : undefined;
}

const PORT = 6_379;

function placeOf(url: Secret): { readonly host: string; readonly port: number } {
  const address = addressOf(url);
  const host = (address?.hostname ?? '').replaceAll(/^\[|\]$/g, '');
  return { host, port: Number(address?.port || PORT) };
}

function redisName({ name, url }: Pick<RedisSettings, 'name' | 'url'>): string {
  const { host, port } = placeOf(url);
  return name ?? `${host}:${port}`;
}

/** Servers of Redis, or of what speaks like it. */
export const redisCheck = defineCheck({
  id: 'redis',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'sessions, caches or queues that live in Redis are gone for the application',
  measures: 'time from connecting to the answer to PING, seconds',
  warns: 'slower than `redis[].warnAfter`',
  fails: 'no connection, no login, or another answer than PONG, twice',
  settings: {
    redis: z
      .array(redisSettings)
      .refine(hasOwnNames(redisName), OWN_NAMES)
      .prefault([])
      .describe('Servers of Redis or Valkey that must answer'),
  },
  questions: ({ redis }) =>
    reachQuestions(redis, { word: 'redis', sample: 'redis.ping', nameOf: redisName, remediation, attempt: ping }),
});

async function ping(
  { url, timeout: timeoutMs }: RedisSettings,
  signal: AbortSignal,
): Promise<{ readonly note: string }> {
  const address = addressOf(url);
  const place = placeOf(url);
  const login = [address?.username ?? '', address?.password ?? '']
    .map(decodeURIComponent)
    .filter((word) => word !== '');
  return converse({ ...place, tls: address?.protocol === 'rediss:', timeoutMs, signal }, async (redis) => {
    if (login.length > 0) await ask(redis, ['AUTH', ...login], 'OK');
    await ask(redis, ['PING'], 'PONG');
    redis.say(command(['QUIT']));
    return { note: 'PONG' };
  });
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

function remediation({ url }: RedisSettings): readonly string[] {
  const { host, port } = placeOf(url);
  return [
    `redis-cli -h '${host}' -p ${port} PING # with REDISCLI_AUTH in the environment where it needs a password`,
    `redis-cli -h '${host}' -p ${port} INFO persistence # "loading:1" means that it is still reading its data`,
    'On that host: systemctl status redis-server; journalctl -u redis-server -n 50',
  ];
}
