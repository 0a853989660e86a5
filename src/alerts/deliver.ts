import type { Http, HttpAnswer } from '../adapters/http.ts';
import type { Wait } from '../adapters/wait.ts';
import { attempt } from './attempts.ts';
import { partFor, type AlertMessage } from './message.ts';
import type { Channel } from './settings.ts';
import { slackPayload } from './slack.ts';
import { webhookBody, webhookHeaders } from './webhook.ts';

/** What became of a message at one channel. */
export interface Delivery {
  readonly channel: string;
  readonly delivered: boolean;
  readonly attempts: number;
  /** HTTP status of the last answer; null where none came. */
  readonly status: number | null;
  /** Of the last answer, in milliseconds. */
  readonly latencyMs: number | null;
  /** Why it failed, without any secret; null when it did not. */
  readonly error: string | null;
  /** It will not get better by itself: someone must correct the channel. */
  readonly permanent: boolean;
}

/** What sending needs from outside. */
export interface Sending {
  readonly http: Http;
  readonly wait: Wait;
  /** Ends all tries. */
  readonly signal: AbortSignal;
  now(): Date;
  /** Limit for one try at one channel. */
  readonly timeoutMs: number;
}

/** A message and where to. */
export interface DeliverRequest extends Sending {
  readonly message: AlertMessage;
  readonly channels: readonly Channel[];
}

/**
 * Gives each channel its part of the message, all channels at the same time, each with up to three tries.
 * @returns one entry for each channel that the message has a part for, in the order of the channels. What a network or
 *   a server does is in the result and never thrown.
 */
export async function deliver({ message, channels, ...sending }: DeliverRequest): Promise<readonly Delivery[]> {
  const deliveries = channels.flatMap((channel) => {
    const part = partFor(message, channel.name);
    return part === undefined ? [] : [deliverTo(channel, part, sending)];
  });
  return Promise.all(deliveries);
}

async function deliverTo(channel: Channel, message: AlertMessage, sending: Sending): Promise<Delivery> {
  const { ok, ...attempted } = await attempt({
    ...sending,
    now: () => sending.now(),
    send: sender(channel, message, sending),
  });
  return { channel: channel.name, delivered: ok, ...attempted };
}

function sender(channel: Channel, message: AlertMessage, sending: Sending): () => Promise<HttpAnswer> {
  const { http, timeoutMs, signal } = sending;
  const post = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
    http.send({
      method: 'POST',
      url: channel.url,
      headers: { 'content-type': 'application/json', ...headers },
      body,
      timeoutMs,
      signal,
    });
  if (channel.type === 'slack') {
    const body = JSON.stringify(slackPayload(message));
    return () => post(body);
  }
  const body = webhookBody(message);
  const { signingKey } = channel;
  return () => post(body, webhookHeaders({ id: message.id, body, now: sending.now(), signingKey }));
}
