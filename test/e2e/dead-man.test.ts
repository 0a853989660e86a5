import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/site.ts';

const LATER = join(import.meta.dirname, '../support/two-days-later.js');
const ROOMY = { warnAt: 0.97, failAt: 0.99 };
const ROUND = ['daily', '--cron', '--only', 'health'] as const;

test('a dead man’s switch hears how scheduled runs end, hears nothing good while alerts stay undelivered, and decides nothing', async ({
  site,
}) => {
  const { receiver, env } = site;
  const hook = { name: 'hook', type: 'slack', url: '${SLACK_URL}' };
  site.configure({
    // The last run below has a state of its own, which must not know that the slot is done.
    database: { url: '${DATABASE_URL}', coordination: 'off' },
    alerts: { channels: [hook] },
    // One run lives two days later than the clock of the database.
    tasks: {
      health: {
        disks: [site.folder],
        disk: ROOMY,
        memory: ROOMY,
        clock: { warnAfter: '9 days', failAfter: '10 days' },
      },
    },
    deadMan: [
      { type: 'healthchecks', url: receiver.pingUrl, jobs: ['daily'], log: true },
      { type: 'uptime-kuma', url: receiver.uptimeKumaUrl, jobs: ['tick'] },
    ],
  });
  const pings = () => receiver.requests.filter(({ path }) => path.startsWith('/ping/'));
  const ends = () => pings().map(({ path }) => path.split('/').at(-1));

  env['MAINT_FAULT'] = 'connections=fail';
  expect((await site.run(...ROUND)).exitCode).toBe(1);
  expect(ends()).toEqual(['start', '1']);
  const [start, end] = pings();
  expect(start?.query['rid']).toMatch(/^[0-9a-f-]{36}$/);
  expect(end?.query['rid']).toBe(start?.query['rid']);
  expect(end?.body).toContain('connections');
  expect(end?.body).not.toContain('slackPathIsASecret');
  expect(receiver.requests.flatMap(({ violation }) => violation ?? [])).toEqual([]);

  // All is well again, but nobody can be told: no success is pinged.
  delete env['MAINT_FAULT'];
  env['NODE_OPTIONS'] = `--import=${LATER}`;
  receiver.at('/services', { status: 404 });
  expect((await site.run(...ROUND)).exitCode).toBe(1);
  expect(ends()).toEqual(['start', '1', 'start', '1']);

  // A tick has told all that was to be told, so its switch hears that all is well, whatever it found.
  receiver.at('/services', {});
  env['MAINT_FAULT'] = 'connections=fail';
  delete env['NODE_OPTIONS'];
  const before = receiver.requests.length;
  expect((await site.run('tick', '--cron', '--state', join(site.folder, 'tick-state'))).exitCode).toBe(1);
  const pushes = receiver.requests.slice(before).filter(({ path }) => path.startsWith('/api/push/'));
  expect(pushes.map(({ query }) => query['status'])).toEqual(['up']);
  delete env['MAINT_FAULT'];

  receiver.at('/ping', { status: 404 });
  const unheard = await site.run(...ROUND, '--state', join(site.folder, 'other-state'));
  expect(unheard.exitCode).toBe(0);
  expect(unheard.stderr.match(/did not take the ping/g)).toHaveLength(1);
  const heard = receiver.requests.filter(({ path }) => path.startsWith('/api/push/'));
  expect(heard, 'no other run than the tick').toHaveLength(1);
});
