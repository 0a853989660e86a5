import type { Shelf } from './journal.ts';

/** What earlier runs of the same project on this host have left word of. */
export interface Recall {
  /** @returns undefined where nothing is known under that key, or it cannot be read; nobody has looked at its shape */
  recall(key: string): unknown;
}

/** Plain JSON that steps hand on to later runs. It may be lost at any time, and never stops the work. */
export interface Memory extends Recall {
  remember(key: string, value: object): void;
  forget(key: string): void;
}

/** A memory that lies in the journal. */
export function memoryOn(shelf: Shelf): Memory {
  return {
    recall: (key) => parsed(shelf.get(key)),
    remember: (key, value) => shelf.put(key, JSON.stringify(value)),
    forget: (key) => shelf.remove(key),
  };
}

function parsed(body: string | undefined): unknown {
  try {
    return body === undefined ? undefined : JSON.parse(body);
  } catch {
    return undefined;
  }
}
