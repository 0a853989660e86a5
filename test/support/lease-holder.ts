// Takes a lease that lasts a second, says each thing that happens to it, and holds it until it is told otherwise.
import { setTimeout } from 'node:timers/promises';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { takeLease } from '../../src/engine/lease.ts';

const [, , url = '', run = ''] = process.argv;
await using session = openSession({
  connection: parseConnection(new Secret(url)),
  mode: 'read-write',
  limits: { connectTimeoutMs: 5_000, statementTimeoutMs: 5_000, lockTimeoutMs: 5_000 },
  applicationName: 'maint/test',
});
const lost = Promise.withResolvers<void>();
const lease = await takeLease({
  database: session,
  name: 'app',
  holder: 'a',
  run,
  ttlSeconds: 1,
  onLost: lost.resolve,
});
console.log(`fence ${lease?.fence}`);
await lease?.claimSlot('daily', new Date('2026-11-21T03:17:00Z'));
console.log('at work');
await Promise.race([lost.promise, setTimeout(30_000, undefined, { ref: false })]);
console.log(`recorded ${await lease?.finishSlot('daily', 'fail')}`);
console.log('lost');
