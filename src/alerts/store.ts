import { MaintError } from '../base/errors.ts';
import type { AlertMessage } from './message.ts';
import type { Severity } from './notification.ts';

/** A problem as the channels know it. Plain data, stored as JSON. */
export interface AlertState {
  readonly fingerprint: string;
  readonly task: string;
  readonly step: string;
  /** As it was told last; lowered at once when the problem gets milder. */
  readonly severity: Severity;
  readonly summary: string;
  /** ISO instant. */
  readonly firstSeenAt: string;
  /** ISO instant at which a channel last took the alarm; null while none has, and once one has taken the recovery. */
  readonly lastToldAt: string | null;
  /** Names of the channels that took the alarm and do not yet know that it is over. */
  readonly deliveredTo: readonly string[];
}

/** A message that waits for a channel to take it. */
export interface SpooledMessage extends AlertMessage {
  /** Channels that already took their part of it. */
  readonly takenBy: readonly string[];
}

/**
 * Where alert states and undelivered messages live between runs. Each call is complete and durable when it returns.
 * Methods throw MaintError STATE_UNUSABLE, NO_SPACE or FILE_UNUSABLE; alerts then go out all the same.
 */
export interface AlertStore {
  load(): readonly AlertState[];
  /** Replaces all states. */
  save(states: readonly AlertState[]): void;
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
  const messages = new Map<string, SpooledMessage>();
  return {
    load: () => states,
    save: (next) => {
      states = next;
    },
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
    spooled: () => attempt(() => store.spooled(), []),
    spool: (message) => attempt(() => store.spool(message), undefined),
    unspool: (id) => attempt(() => store.unspool(id), undefined),
    trouble: () => first,
  };
}
