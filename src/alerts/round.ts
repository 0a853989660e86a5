import type { Secret } from '../base/secret.ts';
import { DAY_MS } from '../base/units.ts';
import type { AlertReport, RunReport } from '../engine/report.ts';
import type { Channel } from './channels/settings.ts';
import type { Delivery, Sending } from './deliver.ts';
import type { OwnerSettings } from './owner-settings.ts';
import { policyOf } from './policy-of.ts';
import type { AlertPolicy } from './policy.ts';
import type { AlertSettings } from './settings.ts';
import { rebuiltStates } from './rebuild.ts';
import { mutesAt } from './silences.ts';
import type { AlertState } from './state.ts';
import { forgiving, type AlertStore } from './store.ts';

/** A finished run, and what telling of it needs. Nothing here uses PostgreSQL: an alert about it must not need it. */
export interface AnnounceRequest extends Omit<Sending, 'timeoutMs'> {
  readonly report: RunReport;
  readonly settings: AlertSettings;
  readonly owners?: OwnerSettings;
  readonly store: AlertStore;
  /** What became of tests that were sent just before: a channel that took none is a problem of its own. */
  readonly tried?: readonly Delivery[];
  /** Makes commands that are told mean the same configuration wherever they are copied; as they are where left out. */
  readonly carry?: ((text: string) => string) | undefined;
  /** Secrets of the whole configuration, to be kept out of every text; those of the channels are known anyway. */
  readonly secrets: readonly Secret[];
}

/** One call of `announce`, and how far it has come. */
export interface Round {
  readonly sending: Sending;
  readonly settings: AlertSettings;
  readonly policy: AlertPolicy;
  readonly carry: (text: string) => string;
  /** What is told now. */
  report: RunReport;
  readonly at: Date;
  readonly store: ReturnType<typeof forgiving>;
  /** Channels that did not answer in this round: a message behind one that waits must not overtake it. */
  readonly silent: Set<string>;
  /** Channels that took something in this round, and those that refused for good, with the reason. */
  readonly working: Set<string>;
  readonly broken: Map<string, string>;
  readonly lines: string[];
  states: readonly AlertState[];
  delivered: number;
  undelivered: number;
}

/** Begins a round about a report that holds no secret any more. */
export function startRound(request: AnnounceRequest, report: RunReport): Round {
  const { settings, owners = {}, http, mail, wait, signal, watch, tried = [] } = request;
  const store = forgiving(request.store);
  const at = instantOf(report);
  const mutes = mutesAt(store.silences(), settings.windows, at);
  return {
    sending: {
      http,
      mail,
      wait,
      signal,
      now: () => request.now(),
      timeoutMs: settings.timeout,
      ...(watch !== undefined && { watch }),
    },
    settings,
    policy: policyOf({ settings, owners, mutes }),
    carry: request.carry ?? ((text) => text),
    report,
    at,
    store,
    silent: new Set(),
    working: new Set(tried.flatMap(({ channel, delivered }) => (delivered ? [channel] : []))),
    broken: new Map(tried.flatMap(({ channel, delivered, error }) => (delivered ? [] : [[channel, error ?? '']]))),
    lines: [],
    states: statesIn(store, settings.channels, at),
    delivered: 0,
    undelivered: 0,
  };
}

/** What a round came to. */
export function endRound({ store, delivered, undelivered, lines }: Round): AlertReport {
  const trouble = store.trouble();
  const words = trouble && `alert states cannot be kept, so alarms may come again: ${trouble.message}`;
  return { delivered, undelivered, lines: words === undefined ? lines : [...lines, words] };
}

const LOST_SINCE_MS = 30 * DAY_MS;

/** The states; where there is none, what the history knows of them, for they may have been lost. */
function statesIn(store: AlertStore, channels: readonly Channel[], at: Date): readonly AlertState[] {
  const states = withoutRemoved(store.load(), channels);
  if (states.length > 0) return states;
  const rebuilt = rebuiltStates(store.history(new Date(at.getTime() - LOST_SINCE_MS)));
  return withoutRemoved(rebuilt, channels).filter(({ deliveredTo }) => deliveredTo.length > 0);
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
