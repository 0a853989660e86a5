import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { newRecord } from '../../src/alerts/channel-record.ts';
import { deadManSettings } from '../../src/alerts/dead-man/settings.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import { Secret } from '../../src/base/secret.ts';
import { checkAlive } from '../../src/cli/doctor/alive.ts';
import { main } from '../../src/cli/main.ts';
import { makeWorld } from '../support/world.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const CHANNEL = { name: 'ops', type: 'slack', url: 'https://hooks.slack.com/services/x' };

interface About {
  readonly channels?: readonly unknown[];
  readonly canary?: object;
  readonly deadMan?: readonly unknown[];
  readonly heartbeatUrl?: Secret;
  readonly crontab?: string;
  readonly verifiedAt?: string;
  readonly hosts?: readonly string[];
  readonly textfile?: string;
}

async function lookAt({
  channels = [CHANNEL],
  canary = {},
  deadMan = [],
  heartbeatUrl,
  crontab = '',
  verifiedAt,
  hosts = ['db1'],
  textfile,
}: About) {
  const alerts = await alertSettings.parseAsync({ channels, canary });
  return checkAlive({
    config: { alerts, heartbeatUrl, deadMan: await deadManSettings.parseAsync(deadMan), textfile },
    records: verifiedAt === undefined ? [] : [{ ...newRecord('ops'), verifiedAt }],
    schedules: [{ origin: 'crontab -l', text: crontab }],
    hosts,
    now: NOW,
  });
}

const TICK = '*/5 * * * * /opt/maint/bin/maint.js tick --cron';
const HEARTBEAT = { heartbeatUrl: new Secret('https://ping.example.com/1') };

test('warns while fewer than two watches are on, and says how to switch on the others', async () => {
  const none = await lookAt({});
  expect(none).toMatchObject({
    status: 'warn',
    summary: expect.stringMatching(/^0 watches over alerting itself; off: /),
  });
  expect(none.fix.join('\n')).toMatch(/heartbeat:[^]*maint tick[^]*maint alerts rules/);
  expect(await lookAt(HEARTBEAT)).toMatchObject({ status: 'warn', summary: expect.stringContaining('1 watch ') });
  expect(await lookAt({ ...HEARTBEAT, crontab: `# ${TICK}` })).toMatchObject({ status: 'warn' });
  expect(await lookAt({ ...HEARTBEAT, crontab: TICK, canary: { enabled: false } })).toMatchObject({ status: 'warn' });
  expect(await lookAt({ ...HEARTBEAT, verifiedAt: '2026-11-11T12:00:00Z' })).toMatchObject({ status: 'warn' });
});

test('is content with any two of them', async () => {
  expect(await lookAt({ ...HEARTBEAT, hosts: ['db1', 'db2'] })).toMatchObject({ status: 'ok' });
  expect(await lookAt({ ...HEARTBEAT, textfile: '/var/lib/node_exporter/maint.prom' })).toMatchObject({ status: 'ok' });
  const deadMan = [{ type: 'urls', success: 'https://ping.example.com/1' }];
  const both = { status: 'ok', summary: expect.stringContaining('2 watches') };
  expect(await lookAt({ ...HEARTBEAT, crontab: TICK })).toMatchObject(both);
  expect(await lookAt({ deadMan, verifiedAt: '2026-11-13T12:00:00Z' })).toMatchObject(both);
  const metrics = `${TICK}\n0 * * * * maint health --format prometheus > /var/lib/node_exporter/maint.prom`;
  expect(await lookAt({ crontab: metrics })).toMatchObject(both);
});

test('prints rules for Prometheus that fit the interval of the metrics', async () => {
  const world = makeWorld({ cwd: '/', env: { DATABASE_URL: 'postgres://me@db1/shop' } });
  expect(await main(['alerts', 'rules', '--every', '5min'], world)).toBe(0);
  const { groups }: { groups: readonly { rules: readonly Readonly<Record<string, unknown>>[] }[] } = parse(world.out());
  expect(groups[0]?.rules).toMatchObject([
    { alert: 'Watchdog', expr: 'vector(1)' },
    { alert: 'MaintStale', expr: expect.stringMatching(/project="shop"\}\) > 1200 or absent\(/) },
    { alert: 'MaintNoSuccess', expr: expect.stringMatching(/last_success.*> 1200$/) },
  ]);
  expect(await main(['alerts', 'rules', '--every', 'often'], makeWorld({ cwd: '/' }))).toBe(2);
});
