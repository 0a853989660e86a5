import type { Secret } from '../base/secret.ts';
import { plural } from '../base/units.ts';
import type { AlertReport, RunReport } from '../engine/report.ts';
import { decide } from './decide.ts';
import { deliver, type Delivery, type Sending } from './deliver.ts';
import { alertMessage, countsOf } from './message.ts';
import { readFindings } from './problems.ts';
import { redactor, redactReport } from './redact.ts';
import { settle } from './settle.ts';
import type { AlertSettings, Channel } from './settings.ts';
import { besideWaiting, leftOf, stillTrue } from './spool.ts';
import { forgiving, type AlertState, type AlertStore, type SpooledMessage } from './store.ts';

/** A finished run, and what telling of it needs. Nothing here uses PostgreSQL: an alert about it must not need it. */
export interface AnnounceRequest extends Omit<Sending, 'timeoutMs'> {
  readonly report: RunReport;
  readonly settings: AlertSettings;
  readonly store: AlertStore;
  /** Secrets of the whole configuration, to be kept out of every text; those of the channels are known anyway. */
  readonly secrets: readonly Secret[];
}

const NOTHING: AlertReport = { delivered: 0, undelivered: 0, lines: [] };

/**
 * Tells the channels what a run found: first what waits in the spool, in its order and as far as it is still true, then
 * one message about this run. A message lies in the spool before it is sent and until a channel has taken it, so that
 * a run killed at any moment loses nothing, and repeats only under the same id.
 * @returns what went out and what could not; never throws for what a network, a server or the store does
 */
export async function announce(request: AnnounceRequest): Promise<AlertReport> {
  const { settings, report: original } = request;
  if (settings.channels.length === 0 || original.dryRun) return NOTHING;
  const secrets = [...request.secrets, ...settings.channels.flatMap(secretsOf)];
  const report = redactReport(original, redactor(secrets));
  const round = startRound(request, report);
  await flush(round);
  await tell(round);
  const trouble = round.store.trouble();
  if (trouble !== undefined)
    round.lines.push(`alert states cannot be kept, so alarms may come again: ${trouble.message}`);
  const { delivered, undelivered, lines } = round;
  return { delivered, undelivered, lines: lines.map(redactor(secrets)) };
}

function secretsOf(channel: Channel): readonly Secret[] {
  return channel.type === 'webhook' && channel.signingKey !== undefined
    ? [channel.url, channel.signingKey]
    : [channel.url];
}

/** One call of `announce`, and how far it has come. */
interface Round {
  readonly sending: Sending;
  readonly settings: AlertSettings;
  readonly report: RunReport;
  readonly at: Date;
  readonly store: ReturnType<typeof forgiving>;
  /** Channels that did not answer in this round: a message behind one that waits must not overtake it. */
  readonly silent: Set<string>;
  readonly lines: string[];
  states: readonly AlertState[];
  delivered: number;
  undelivered: number;
}

function startRound(request: AnnounceRequest, report: RunReport): Round {
  const { settings, http, wait, signal } = request;
  const store = forgiving(request.store);
  return {
    sending: { http, wait, signal, now: () => request.now(), timeoutMs: settings.timeout },
    settings,
    report,
    at: instantOf(report),
    store,
    silent: new Set(),
    lines: [],
    states: withoutRemoved(store.load(), settings.channels),
    delivered: 0,
    undelivered: 0,
  };
}

/** The minute a run was meant for: a daily run that starts a second earlier than yesterday's still repeats a daily alarm. */
function instantOf({ slot, startedAt }: RunReport): Date {
  return new Date(Math.floor(Date.parse(slot ?? startedAt) / 60_000) * 60_000);
}

/** A channel that was taken out of the configuration knows nothing; a problem that only it knew was never told. */
function withoutRemoved(states: readonly AlertState[], channels: readonly Channel[]): readonly AlertState[] {
  return states.map((state) => {
    const deliveredTo = state.deliveredTo.filter((name) => channels.some((channel) => channel.name === name));
    return { ...state, deliveredTo, lastToldAt: deliveredTo.length === 0 ? null : state.lastToldAt };
  });
}

async function flush(round: Round): Promise<void> {
  const { report, settings, store } = round;
  const findings = readFindings(report, settings.on);
  const channels = settings.channels.map(({ name }) => name);
  for (const message of store.spooled().filter(({ project }) => project === report.project))
    await send(stillTrue(message, { findings, states: round.states, channels }), round);
}

async function tell(round: Round): Promise<void> {
  const { report, settings, store, at } = round;
  const policy = { on: settings.on, repeatAfterMs: settings.repeatAfter };
  const decision = decide({ states: round.states, report, now: at, policy });
  round.states = decision.states;
  store.save(round.states);
  const { fresh, waiting } = besideWaiting(
    decision.notifications,
    store.spooled().filter(({ project }) => project === report.project),
  );
  if (fresh.length === 0) return;
  const message = { ...alertMessage(report, at, fresh), takenBy: [] };
  store.spool(message);
  for (const older of waiting) keep(older, round);
  await send(message, round);
}

async function send(message: SpooledMessage, round: Round): Promise<void> {
  const { settings, sending, silent, store, at } = round;
  if (message.notifications.length === 0) return store.unspool(message.id);
  const channels = settings.channels.filter(({ name }) => !silent.has(name));
  const deliveries = await deliver({ ...sending, message, channels });
  const taken = deliveries.filter(({ delivered }) => delivered).map(({ channel }) => channel);
  const told = message.notifications.map((notification) => ({
    notification,
    channels: taken.filter((name) => notification.channels === 'all' || notification.channels.includes(name)),
    at: at.toISOString(),
  }));
  round.states = settle(round.states, told);
  store.save(round.states);
  keep(leftOf(message, taken), round);
  record(message, deliveries, round);
}

/** Keeps what is left of a message, or forgets it when nothing is. */
function keep(message: SpooledMessage, { store }: Round): void {
  if (message.notifications.length === 0) store.unspool(message.id);
  else store.spool(message);
}

function record(message: SpooledMessage, deliveries: readonly Delivery[], round: Round): void {
  for (const { channel, delivered, attempts, error, permanent } of deliveries) {
    if (!delivered && !permanent) round.silent.add(channel);
    const tries = plural(attempts, 'try', 'tries');
    const end = delivered ? `told ${countsOf(message)}` : `took nothing after ${tries}: ${error ?? 'no answer'}`;
    round.lines.push(`${channel}: ${end}`);
  }
  if (deliveries.some(({ delivered }) => delivered)) round.delivered += 1;
  else if (message.takenBy.length === 0) {
    round.undelivered += 1;
    round.lines.push(`no channel took the message about ${countsOf(message)}; it is kept for the next run`);
  }
}
