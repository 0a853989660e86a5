import type { Wait } from '../adapters/wait.ts';
import { attempt, type Attempted } from './attempts.ts';
import { parcelsOf } from './channels/parcels.ts';
import type { Channel } from './channels/settings.ts';
import { partFor, type AlertMessage } from './message.ts';
import { trySending, type Ways } from './tries.ts';

/** What became of a message at one channel. */
export interface Delivery {
  readonly channel: string;
  readonly delivered: boolean;
  readonly attempts: number;
  /** HTTP status or reply code of SMTP of the last answer; null where none came. */
  readonly status: number | null;
  /** Of the last answer, in milliseconds. */
  readonly latencyMs: number | null;
  /** Why it failed, without any secret; null when it did not. */
  readonly error: string | null;
  /** It will not get better by itself: someone must correct the channel. */
  readonly permanent: boolean;
  /** What the service calls it: a message id, a dedup key. */
  readonly providerId: string | null;
  /** What was not as it should be although it was delivered: a recipient that was refused. */
  readonly note: string | null;
}

/** What sending needs from outside. */
export interface Sending extends Ways {
  readonly wait: Wait;
  /** Hears what became of each delivery. */
  readonly watch?: (delivery: Delivery) => void;
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
    return part === undefined ? [] : [watched(channel, part, sending)];
  });
  return Promise.all(deliveries);
}

async function watched(channel: Channel, message: AlertMessage, sending: Sending): Promise<Delivery> {
  const delivery = await deliverTo(channel, message, sending);
  sending.watch?.(delivery);
  return delivery;
}

async function deliverTo(channel: Channel, message: AlertMessage, sending: Sending): Promise<Delivery> {
  const parcels = parcelsOf(channel, message, sending.now());
  const send = (parcel: (typeof parcels)[number]): Promise<Attempted> =>
    attempt({
      wait: sending.wait,
      signal: sending.signal,
      now: () => sending.now(),
      send: () => trySending(parcel, sending),
    });
  const { ok, ...rest } =
    channel.type === 'alertmanager' ? anyOf(await Promise.all(parcels.map(send))) : await allOf(parcels, send);
  return { channel: channel.name, delivered: ok, ...rest };
}

/** One after the other; the first that fails decides. What was sent already may be sent again without harm. */
async function allOf<Item>(items: readonly Item[], send: (item: Item) => Promise<Attempted>): Promise<Attempted> {
  let last = NOTHING;
  for (const item of items) {
    last = await send(item);
    if (!last.ok) return last;
  }
  return last;
}

/** Members of a cluster tell each other: one that took it is enough, and those that did not are named. */
function anyOf(all: readonly Attempted[]): Attempted {
  const taken = all.find(({ ok }) => ok);
  const errors = all.flatMap(({ error }) => error ?? []);
  if (taken !== undefined) return { ...taken, note: errors.length === 0 ? null : errors.join('; ') };
  const passing = all.find(({ permanent }) => !permanent) ?? all[0] ?? NOTHING;
  return { ...passing, error: errors.join('; ') };
}

const NOTHING: Attempted = {
  ok: true,
  attempts: 0,
  status: null,
  latencyMs: null,
  error: null,
  permanent: false,
  providerId: null,
  note: null,
};
