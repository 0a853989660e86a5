import { z } from 'zod';
import { pingRedis, redisPlace } from '../adapters/redis.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings, type Reached } from './reach.ts';

const redisSettings = z.strictObject({
  url: secretSetting
    .refine(
      (url) => redisPlace(url) !== undefined,
      'must be redis:// or rediss:// with a host, such as redis://:password@cache:6379',
    )
    .describe('The server, as redis://user:password@host:6379; rediss:// with TLS'),
  ...reachSettings,
});
type RedisSettings = z.infer<typeof redisSettings>;

function redisName({ name, url }: Pick<RedisSettings, 'name' | 'url'>): string {
  const place = redisPlace(url);
  return name ?? `${place?.host ?? ''}:${place?.port ?? ''}`;
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

async function ping({ url, timeout: timeoutMs }: RedisSettings, signal: AbortSignal): Promise<Reached> {
  await pingRedis(url, { timeoutMs, signal });
  return { note: 'PONG' };
}

function remediation({ url }: RedisSettings): readonly string[] {
  const { host = '', port = 0 } = redisPlace(url) ?? {};
  return [
    `redis-cli -h '${host}' -p ${port} PING # with REDISCLI_AUTH in the environment where it needs a password`,
    `redis-cli -h '${host}' -p ${port} INFO persistence # "loading:1" means that it is still reading its data`,
    'On that host: systemctl status redis-server; journalctl -u redis-server -n 50',
  ];
}
