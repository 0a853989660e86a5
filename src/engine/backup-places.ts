import type { Store } from '../adapters/store.ts';
import type { Secret } from '../base/secret.ts';

/** How many backups to keep: the newest, and the newest of so many days, weeks, months, years. */
export interface Keep {
  readonly last: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** So many of the newest verified ones stay whatever the other numbers say. */
  readonly minVerified: number;
}

/** On what a copy lies, for the rule that not all of them lie on the same. */
export const MEDIA = ['disk', 'object', 'tape'] as const;
export type Medium = (typeof MEDIA)[number];

/** Another place for the same backups. */
export interface CopyPlace {
  readonly name: string;
  readonly medium: Medium;
  /** Does it survive the loss of the house that the database stands in? */
  readonly isOffsite: boolean;
  /** How long the place itself lets nobody delete, in milliseconds; undefined where it makes no such promise. */
  readonly immutableForMs: number | undefined;
  /** Undefined where nothing is ever removed from it. */
  readonly keep: Keep | undefined;
  /** Is every byte read back before a copy counts? */
  readonly readsBack: boolean;
  /** Connects to nothing yet. */
  open(): Store;
}

/** Files of the application that belong into the same backup as its database. */
export interface FileSet {
  readonly name: string;
  /** Absolute path of the folder they lie in. */
  readonly directory: string;
  /** A query that names them, one row each: column `path`, relative to the folder, and where it is known `size` in bytes. */
  readonly references: string | undefined;
}

/** Where backups lie and who can read them, as the configuration says: what every task about backups shares. */
export interface BackupPlaces {
  /** Absolute path of the local ones; need not exist yet. */
  readonly directory: string;
  readonly copies: readonly CopyPlace[];
  /** Public keys of age; backups are encrypted to all of them, or not at all where there is none. */
  readonly recipients: readonly string[];
  /** The private keys of age that this host may read backups with, as `age-keygen` writes them. */
  readonly identity: Secret | undefined;
  readonly fileSets: readonly FileSet[];
}
