import { MaintError } from '../base/errors.ts';
import type { AlertEvent } from './events.ts';
import type { AlertMessage } from './message.ts';
import type { Silence } from './silences.ts';
import type { AlertState } from './state.ts';

/** A message that waits for a channel to take it. */
export interface SpooledMessage extends AlertMessage {
  /** Channels that already took their part of it. */
  readonly takenBy: readonly string[];
}

/**
 * Where alert states, their history, silences and undelivered messages live between runs. Each call is complete and
 * durable when it returns. Methods throw MaintError STATE_UNUSABLE, NO_SPACE or FILE_UNUSABLE; alerts then go out all the
 * same.
 */
export interface AlertStore {
  load(): readonly AlertState[];
  /** Replaces all states. */
  save(states: readonly AlertState[]): void;
  silences(): readonly Silence[];
  /** Replaces all silences. */
  saveSilences(silences: readonly Silence[]): void;
  /** Adds to the history; an event whose id is there already changes nothing. */
  record(events: readonly AlertEvent[]): void;
  /** The events from this instant on, oldest first. */
  history(since: Date): readonly AlertEvent[];
  /** In the order in which they were first spooled. */
  spooled(): readonly SpooledMessage[];
  /** Adds a message at the end; one whose id is there already is replaced where it stands. */
  spool(message: SpooledMessage): void;
  /** Removes a message; nothing happens when it is not there. */
  unspool(id: string): void;
}

/** A store that forgets with the process: for a run whose journal cannot be used, and for tests. */
export function memoryAlertStore(): AlertStore {
  let states: readonly AlertState[] = [];
  let silences: readonly Silence[] = [];
  const events = new Map<string, AlertEvent>();
  const messages = new Map<string, SpooledMessage>();
  return {
    load: () => states,
    save: (next) => {
      states = next;
    },
    silences: () => silences,
    saveSilences: (next) => {
      silences = next;
    },
    record: (added) => {
      for (const event of added) if (!events.has(event.id)) events.set(event.id, event);
    },
    history: (since) => [...events.values()].filter(({ at }) => Date.parse(at) >= since.getTime()),
    spooled: () => [...messages.values()],
    spool: (message) => {
      messages.set(message.id, message);
    },
    unspool: (id) => {
      messages.delete(id);
    },
  };
}

/** A store whose troubles do not keep an alert from going out. */
interface ForgivingStore extends AlertStore {
  /** The first trouble met; undefined while there was none. */
  trouble(): MaintError | undefined;
}

/** Goes on without memory where the store fails, and remembers why. Errors that are no MaintError are bugs and pass. */
export function forgiving(store: AlertStore): ForgivingStore {
  let first: MaintError | undefined;
  const attempt = <Value>(action: () => Value, otherwise: Value): Value => {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      first ??= error;
      return otherwise;
    }
  };
  return {
    load: () => attempt(() => store.load(), []),
    save: (states) => attempt(() => store.save(states), undefined),
    silences: () => attempt(() => store.silences(), []),
    saveSilences: (silences) => attempt(() => store.saveSilences(silences), undefined),
    record: (events) => attempt(() => store.record(events), undefined),
    history: (since) => attempt(() => store.history(since), []),
    spooled: () => attempt(() => store.spooled(), []),
    spool: (message) => attempt(() => store.spool(message), undefined),
    unspool: (id) => attempt(() => store.unspool(id), undefined),
    trouble: () => first,
  };
}
