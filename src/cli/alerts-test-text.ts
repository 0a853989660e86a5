import type { Parcel } from '../alerts/channels/channel.ts';
import { parcelsOf } from '../alerts/channels/parcels.ts';
import { secretsOf, type Channel } from '../alerts/channels/settings.ts';
import type { Delivery } from '../alerts/deliver.ts';
import type { AlertMessage } from '../alerts/message.ts';
import { formatDuration } from '../base/units.ts';

/** What became of the test of one channel. */
export interface Tested {
  /** A person has to confirm that it was seen. */
  readonly needsCode: boolean;
  readonly shown: Delivery & {
    /** Did it take the end of the test too? */
    readonly resolved: boolean;
  };
}

/** One line for a person, and one more where the person has to do something. */
export function testLine({ needsCode, shown }: Tested): string {
  const { channel, delivered, resolved, status, latencyMs, attempts, error, providerId, note } = shown;
  const answer = [
    ...(status === null ? [] : [`status ${status}`]),
    ...(latencyMs === null ? [] : [formatDuration(latencyMs)]),
    ...(attempts > 1 ? [`${attempts} tries`] : []),
    ...(providerId === null ? [] : [`id ${providerId}`]),
    ...(note === null ? [] : [note]),
  ].join(', ');
  if (!delivered) return `✗ ${channel}  did not take the test: ${error ?? answer}\n`;
  if (!resolved) return `✗ ${channel}  took the test (${answer}), but not its end: ${error ?? 'no answer'}\n`;
  const next = needsCode ? `  Did it arrive? Type the code in it: maint alerts test --confirm CODE\n` : '';
  return `✓ ${channel}  took the test and its end (${answer})\n${next}`;
}

/**
 * What would be sent, as one JSON document: secrets are hidden, all else is exact.
 * @param at the instant that goes into it
 */
export function printedTest(channels: readonly Channel[], messages: readonly AlertMessage[], at: Date): string {
  const shown = channels.map((channel) => {
    const secrets = secretsOf(channel);
    const parcels = messages.flatMap((message) =>
      parcelsOf(channel, message, at).map((parcel) => shownParcel(parcel, at)),
    );
    const text = secrets.reduce((sofar, secret) => secret.maskIn(sofar), JSON.stringify(parcels));
    return { channel: channel.name, type: channel.type, sends: parse(text) };
  });
  return `${JSON.stringify({ format: 1, sent: false, channels: shown }, null, 2)}\n`;
}

function parse(text: string): unknown {
  return JSON.parse(text);
}

function shownParcel(parcel: Parcel, at: Date): unknown {
  if (parcel.via === 'smtp') return { letter: parcel.letter };
  const { suffix, query, bearer, headers, body } = parcel;
  return {
    method: 'POST',
    ...(suffix !== undefined && { suffix }),
    ...(query !== undefined && { query }),
    ...(bearer !== undefined && { bearer }),
    ...(headers !== undefined && { headers: headers(at) }),
    body: typeof body === 'string' ? parse(body) : body.json,
  };
}
