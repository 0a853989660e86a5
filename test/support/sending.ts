import { http } from '../../src/adapters/http.ts';
import { mail } from '../../src/adapters/mail.ts';
import { alertSettings, type AlertSettings } from '../../src/alerts/settings.ts';
import { SIGNING_KEY, type Receiver } from './receiver.ts';

/** Sends for real, and only pretends to wait between tries: the waits are noted. */
export function sendingFor(): {
  readonly http: typeof http;
  readonly mail: typeof mail;
  readonly wait: (ms: number) => Promise<void>;
  readonly waits: number[];
  readonly signal: AbortSignal;
  readonly now: () => Date;
} {
  const waits: number[] = [];
  return {
    http,
    mail,
    waits,
    wait: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    signal: new AbortController().signal,
    now: () => new Date(),
  };
}

/** Settings with a Slack channel `slack` and a signed webhook channel `hook`, both at this receiver. */
export async function settingsFor(receiver: Receiver, differences: object = {}): Promise<AlertSettings> {
  return alertSettings.parseAsync({
    channels: [
      { name: 'slack', type: 'slack', url: receiver.slackUrl },
      { name: 'hook', type: 'webhook', url: receiver.webhookUrl, signingKey: SIGNING_KEY },
    ],
    ...differences,
  });
}
