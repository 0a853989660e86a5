import { expect, test } from 'vitest';
import { check } from '../../src/config/explain.ts';
import { configSchema } from '../../src/config/schema.ts';
import { tasks } from '../../src/tasks/index.ts';

const PAGER = { name: 'pager', type: 'webhook', url: 'https://pager.example.com' };
const OWNERS = { db: { contact: '@db', hours: 'Mon-Fri 09:00-18:00 Europe/Berlin' } };
const SOUND = { channels: [PAGER], owner: 'db', routes: { page: { channels: ['pager'] } } };

async function objections(alerts: object, owners: object = OWNERS): Promise<readonly string[]> {
  const { objections: found } = await check(configSchema(tasks), { name: 'app', alerts, owners });
  return found.map(
    ({ path, message, suggestion }) => `${path.map(String).join('.')}: ${message} (${suggestion ?? ''})`,
  );
}

test('accepts channels alone, and a whole set of routes and owners', async () => {
  expect(await objections({ channels: [PAGER] }, {})).toEqual([]);
  expect(await objections(SOUND)).toEqual([]);
  expect(await objections({ ...SOUND, checks: { disk: { class: 'page' } } })).toEqual([]);
});

test.each([
  [
    'an unknown channel',
    { routes: { page: { channels: ['pagr'] } } },
    'alerts.routes.page.channels.0: there is no such channel (pager)',
  ],
  [
    'an unknown fallback',
    { routes: { page: { fallback: ['chat'] } } },
    'alerts.routes.page.fallback.0: there is no such channel; known are pager ()',
  ],
  [
    'an escalation to nobody',
    { routes: { page: { escalate: [{ after: '30m', to: ['pagers'] }] } } },
    'alerts.routes.page.escalate.0.to.0: there is no such channel (pager)',
  ],
  ['a route with no channel', { routes: { page: { channels: [] } } }, 'alerts.routes.page.channels: '],
  [
    'routes without any channel',
    { channels: [], routes: {} },
    'alerts.channels: missing; the routes have no channel to go to ()',
  ],
  [
    'checks without an owner',
    { owner: undefined },
    'alerts.owner: missing; with routes or owners every check needs an owner',
  ],
  ['an unknown owner', { owner: 'bd' }, 'alerts.owner: there is no such owner (db)'],
  ['an unknown check', { checks: { dsik: { owner: 'db' } } }, 'alerts.checks.dsik: there is no such check (disk)'],
  [
    'a page without a runbook',
    { checks: { backup: { class: 'page' } } },
    'alerts.checks.backup.runbook: missing; a page about backup',
  ],
  [
    'repeating too often',
    { routes: { page: { repeatAfter: '14 min' } } },
    'alerts.routes.page.repeatAfter: must be at least 15 min',
  ],
  [
    'more hits than results',
    { routes: { page: { for: '3 of 2' } } },
    'alerts.routes.page.for: must be x of y with x at most y',
  ],
  [
    'a class that is none',
    { checks: { disk: { class: 'pager' } } },
    'alerts.checks.disk.class: found "pager", allowed are page, ticket, report (page)',
  ],
  ['a report with a channel', { routes: { report: { channels: ['pager'] } } }, 'alerts.routes.report.channels: '],
  ['a misspelt word', { altering: true }, 'alerts.altering: unknown key'],
  [
    'a window that never comes',
    { windows: [{ cron: '0 0 30 2 *', for: '1h', match: ['check=disk'], reason: 'x', by: 'ana' }] },
    'alerts.windows.0.cron: is no schedule that comes',
  ],
  [
    'a window for nothing known',
    { windows: [{ cron: '0 0 * * *', for: '1h', match: ['chek=disk'], reason: 'x', by: 'ana' }] },
    'Did you mean "check=disk"?',
  ],
])('refuses %s', async (_, changes, expected) => {
  const found = await objections({ ...SOUND, ...changes });
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(expected);
});

test.each([
  [{ db: { hours: 'Mon-Fri 09:00-18:00 Europe/Berlin' } }, 'owners.db.contact: missing'],
  [{ db: { contact: '@db', backup: 'dba' } }, 'owners.db.backup: there is no such owner (db)'],
  [{ db: { contact: '@db', hours: 'Mon-Fri 9-18' } }, 'owners.db.hours: '],
  [{ db: { contact: '@db', hours: 'Mon-Fry 09:00-18:00 UTC' } }, 'owners.db.hours: '],
  [{ db: { contact: '@db', hours: 'Mon-Fri 09:00-18:00 Berlin' } }, 'owners.db.hours: '],
  [{ db: { contact: '@db', hours: 'Mon-Fri 09:00-25:00 UTC' } }, 'owners.db.hours: '],
])('refuses owners %j', async (owners, expected) => {
  const found = await objections(SOUND, owners);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(expected);
});
