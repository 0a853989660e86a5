import { z } from 'zod';
import { pingRedis, redisPlace } from '../adapters/redis.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
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
  warnMemoryAt: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.9)
    .describe('Warn when more than this share of maxmemory is used, where it evicts nothing and would refuse writes'),
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
  warns: 'slower than `redis[].warnAfter`, or more than `redis[].warnMemoryAt` of a memory that evicts nothing used',
  fails: 'no connection, no login, another answer than PONG, or a full memory that evicts nothing, twice',
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

async function ping(settings: RedisSettings, signal: AbortSignal): Promise<Reached> {
  const { url, timeout: timeoutMs, warnMemoryAt } = settings;
  const memory = await pingRedis(url, { timeoutMs, signal });
  if (memory === undefined) return { note: 'PONG' };
  const { usedBytes, maxBytes, policy } = memory;
  const share = usedBytes / maxBytes;
  const used = `${formatBytes(usedBytes)} of ${formatBytes(maxBytes)} used`;
  if (policy === 'noeviction' && share >= 1)
    throw new MaintError('HOST_UNREACHABLE', `full: ${used}, and with noeviction every write is refused`);
  return {
    note: 'PONG',
    facts: { usedBytes, maxBytes, policy },
    samples: [{ name: 'redis.memory', subject: redisName(settings), value: share, unit: 'ratio' }],
    ...(policy === 'noeviction' && share > warnMemoryAt && { worry: `nearly full: ${used}, and noeviction` }),
  };
}

function remediation({ url }: RedisSettings): readonly string[] {
  const { host = '', port = 0 } = redisPlace(url) ?? {};
  return [
    `redis-cli -h '${host}' -p ${port} PING # with REDISCLI_AUTH in the environment where it needs a password`,
    `redis-cli -h '${host}' -p ${port} INFO persistence # "loading:1" means that it is still reading its data`,
    `redis-cli -h '${host}' -p ${port} INFO memory # used_memory against maxmemory; --bigkeys finds what takes it`,
    'On that host: systemctl status redis-server; journalctl -u redis-server -n 50',
  ];
}
