import { expect, test } from 'vitest';
import { z } from 'zod';
import { alertSettings } from '../../src/alerts/settings.ts';

const SLACK = { name: 'ops', type: 'slack', url: 'https://hooks.slack.com/services/x' };
const HOOK = { name: 'hook', type: 'webhook', url: 'https://hooks.example.com/x' };

async function problemsOf(input: unknown): Promise<readonly string[]> {
  const result = await alertSettings.safeParseAsync(input);
  return result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

test('has no channels until somebody names one, and tells failures once a day', async () => {
  expect(await alertSettings.parseAsync({})).toEqual({
    channels: [],
    on: 'fail',
    repeatAfter: 86_400_000,
    timeout: 10_000,
    flapping: true,
    checks: {},
    windows: [],
    canary: expect.objectContaining({ enabled: true }),
  });
});

test('wraps addresses and keys', async () => {
  const signingKey = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const settings = await alertSettings.parseAsync({ channels: [SLACK, { ...HOOK, signingKey }] });
  expect(JSON.stringify(settings.channels)).toBe(
    '[{"name":"ops","type":"slack","url":"[secret]"},{"name":"hook","type":"webhook","format":"standard","url":"[secret]","signingKey":"[secret]"}]',
  );
});

test.each([
  [{ channels: [SLACK, { ...HOOK, name: 'ops' }] }, 'channels: two channels have the same name'],
  [
    { channels: [{ ...SLACK, url: 'hooks.slack.com/services/planted' }] },
    'channels.0.url: must be an http:// or https:// URL',
  ],
  [{ channels: [{ ...HOOK, signingKey: 'planted' }] }, 'channels.0.signingKey: must be whsec_ followed by'],
  [{ channels: [{ ...SLACK, signingKey: 'x' }] }, 'channels.0: Unrecognized key: "signingKey"'],
  [
    { channels: [{ ...SLACK, type: 'discord', url: 'https://discord.com/api/webhooks/1/planted/slack' }] },
    'without /slack',
  ],
  [
    { channels: [{ ...SLACK, type: 'teams', url: 'https://example.webhook.office.com/webhookb2/planted' }] },
    'channels.0.url: is an Office 365 connector, which Microsoft has retired',
  ],
  [
    { channels: [{ name: 'pd', type: 'pagerduty', routingKey: 'planted' }] },
    'routingKey: must be 32 letters and digits',
  ],
  [
    { channels: [{ name: 'ntfy', type: 'ntfy', topic: 'ops', server: 'https://ntfy.sh/planted' }] },
    'server: must be the address of the server alone',
  ],
  [{ channels: [{ name: 'ntfy', type: 'ntfy', topic: 'planted topic' }] }, 'topic: must be up to 64 letters'],
  [
    { channels: [{ name: 'am', type: 'alertmanager', urls: ['http://am:9093/api/v2/alerts?planted'] }] },
    'urls.0: must be the address before /api/v2/alerts',
  ],
  [{ channels: [{ ...SLACK, type: 'apprise', url: 'https://apprise.example.com/planted' }] }, 'must end in /notify/'],
  [
    {
      channels: [{ name: 'mail', type: 'email', server: 'https://planted', from: 'a@b.example', to: ['c@d.example'] }],
    },
    'server: must be an smtp:// or smtps:// URL',
  ],
  [
    { channels: [{ name: 'mail', type: 'email', server: 'smtp://b', from: 'a@b.example', to: ['a@b, c@d'] }] },
    'to.0: must be one address',
  ],
  [{ channels: [{ ...SLACK, type: 'pager' }] }, 'channels.0.type: '],
  [{ channels: [{ ...SLACK, name: 'Ops Team' }] }, 'channels.0.name: must be lower-case'],
  [{ repeatAfter: 'often' }, 'repeatAfter: "often" is not a duration'],
  [{ altering: true }, ': Unrecognized key: "altering"'],
])('refuses %j', async (input, expected) => {
  const problems = await problemsOf(input);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(expected);
  expect(problems[0]).not.toContain('planted');
});

test('describes every setting, also for editors', () => {
  const undescribed: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const properties = 'properties' in node && typeof node.properties === 'object' ? node.properties : {};
    for (const [key, value] of Object.entries(properties ?? {}))
      if (typeof value !== 'object' || value === null || !('description' in value)) undescribed.push(`${path}.${key}`);
    for (const [key, value] of Object.entries(node)) visit(value, `${path}.${key}`);
  };
  visit(z.toJSONSchema(alertSettings, { io: 'input' }), '');
  expect(undescribed).toEqual([]);
});
