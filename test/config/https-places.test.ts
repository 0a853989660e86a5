import { expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { httpsPlaces } from '../../src/config/https-places.ts';

test('every host that is named by https is found once, secrets without what is secret in them', () => {
  const settings = {
    tasks: {
      health: { settings: { http: [{ url: 'https://app.example.com/health' }, { url: 'http://plain.example' }] } },
    },
    alerts: { channels: [{ url: new Secret('https://u:p@hooks.example.com:8443/services/s3cret') }] },
    heartbeat: { url: new Secret('https://app.example.com/ping/s3cret') },
    words: ['not https://', 'https://[::1]:99/x'],
  };
  const found = httpsPlaces(settings);
  expect(found).toEqual([
    { where: 'tasks.health.settings.http[0].url', host: 'app.example.com', port: 443 },
    { where: 'alerts.channels[0].url', host: 'hooks.example.com', port: 8443 },
    { where: 'words[1]', host: '::1', port: 99 },
  ]);
  expect(JSON.stringify(found)).not.toContain('s3cret');
});
