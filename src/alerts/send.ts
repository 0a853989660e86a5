import { plural } from '../base/units.ts';
import { deliver, type Delivery } from './deliver.ts';
import { toldEvent } from './events.ts';
import { countsOf } from './message.ts';
import { isRecovery, type Notification } from './notification.ts';
import type { Round } from './round.ts';
import { settle } from './settle.ts';
import { leftOf } from './spool.ts';
import type { SpooledMessage } from './store.ts';

/**
 * Sends a message that lies in the spool to the channels of its notifications, and what none of those took to the
 * fallback; writes down who knows now, and keeps what is left. Never throws for what a network, a server or the store does.
 */
export async function send(message: SpooledMessage, round: Round): Promise<void> {
  const { store, at, report } = round;
  if (message.notifications.length === 0) return store.unspool(message.id);
  const first = await deliverPart(message, round);
  const missed = message.notifications.filter((each) => needsFallback(each, first));
  const second = missed.map((each) => ({ ...each, channels: each.fallback }));
  const spare = second.length === 0 ? [] : await deliverPart({ ...message, notifications: second }, round);
  const told = message.notifications.map((notification) => ({
    notification,
    channels: missed.includes(notification)
      ? takers(notification.fallback, spare)
      : takers(notification.channels, first),
    at: at.toISOString(),
  }));
  round.states = settle(round.states, told);
  store.record(told.filter(({ channels }) => channels.length > 0).map((entry) => toldEvent(entry, report.run)));
  store.save(round.states);
  keep(leftOf(message, told), round);
  note(message, [...first, ...spare], round);
}

/** Keeps what is left of a message, or forgets it when nothing is. */
export function keep(message: SpooledMessage, { store }: Pick<Round, 'store'>): void {
  if (message.notifications.length === 0) store.unspool(message.id);
  else store.spool(message);
}

async function deliverPart(message: SpooledMessage, round: Round): Promise<readonly Delivery[]> {
  const { settings, sending, silent, working, broken } = round;
  const channels = settings.channels.filter(({ name }) => !silent.has(name));
  const deliveries = await deliver({ ...sending, message, channels });
  for (const { channel, delivered, permanent, error } of deliveries)
    if (delivered) working.add(channel);
    else if (permanent) broken.set(channel, error ?? 'it refuses every message');
    else silent.add(channel);
  return deliveries;
}

function takers(channels: Notification['channels'], deliveries: readonly Delivery[]): readonly string[] {
  const taken = deliveries.filter(({ delivered }) => delivered).map(({ channel }) => channel);
  return taken.filter((name) => channels === 'all' || channels.includes(name));
}

function needsFallback(notification: Notification, deliveries: readonly Delivery[]): boolean {
  if (isRecovery(notification) || notification.fallback.length === 0) return false;
  return takers(notification.channels, deliveries).length === 0;
}

function note(message: SpooledMessage, deliveries: readonly Delivery[], round: Round): void {
  for (const { channel, delivered, attempts, error, note } of deliveries) {
    const tries = plural(attempts, 'try', 'tries');
    const end = delivered
      ? `told ${countsOf(message)}${note === null ? '' : `, but ${note}`}`
      : `took nothing after ${tries}: ${error ?? 'no answer'}`;
    round.lines.push(`${channel}: ${end}`);
  }
  if (deliveries.some(({ delivered }) => delivered)) round.delivered += 1;
  else if (message.takenBy.length === 0) {
    round.undelivered += 1;
    round.lines.push(`no channel took the message about ${countsOf(message)}; it is kept for the next run`);
  }
}
