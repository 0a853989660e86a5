import { alertSettings, type AlertSettings } from '../../src/alerts/settings.ts';
import type { MailReceiver } from './mail-receiver.ts';
import { SIGNING_KEY, type Receiver } from './receiver.ts';

/** Secrets of the channels below that must show nowhere. */
export const CHANNEL_SECRETS = [
  'slackPathIsASecret',
  'discordTokenIsASecret',
  'teamsPathIsASecret',
  'teamsSignatureIsASecret',
  'routingKeyIsASecretOf32Letters00',
  'ntfyTopicIsASecret',
  'tk_ntfyTokenIsASecret',
  'appriseKeyIsASecret',
  'alertmanagerTokenIsASecret',
  SIGNING_KEY,
];

/** One channel of each type but e-mail, all at this receiver, as a configuration has them. */
export function everyChannel(receiver: Receiver): readonly Readonly<Record<string, unknown>>[] {
  return [
    { name: 'slack', type: 'slack', url: receiver.slackUrl },
    { name: 'hook', type: 'webhook', url: receiver.webhookUrl, signingKey: SIGNING_KEY },
    { name: 'am-hook', type: 'webhook', url: receiver.alertmanagerWebhookUrl, format: 'alertmanager' },
    { name: 'discord', type: 'discord', url: receiver.discordUrl },
    { name: 'teams', type: 'teams', url: receiver.teamsUrl },
    {
      name: 'pagerduty',
      type: 'pagerduty',
      url: receiver.origin,
      routingKey: 'routingKeyIsASecretOf32Letters00',
    },
    {
      name: 'ntfy',
      type: 'ntfy',
      server: receiver.origin,
      topic: 'ntfyTopicIsASecret',
      token: 'tk_ntfyTokenIsASecret',
    },
    {
      name: 'alertmanager',
      type: 'alertmanager',
      urls: [receiver.alertmanagerUrl, `${receiver.origin}/second`],
      token: 'alertmanagerTokenIsASecret',
    },
    { name: 'apprise', type: 'apprise', url: receiver.appriseUrl },
  ];
}

/** The channel `mail` at this server. */
export function mailChannel({ url, authorityFile }: MailReceiver): Readonly<Record<string, unknown>> {
  const to = ['ana@example.com', 'ben@example.com'];
  return { name: 'mail', type: 'email', server: url, authorityFile, from: 'maint@db1.example.com', to };
}

/** Settings with these channels. */
export async function settingsWith(channels: readonly unknown[]): Promise<AlertSettings> {
  return alertSettings.parseAsync({ channels });
}
