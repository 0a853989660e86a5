import type { LedgerStatus } from './ledger.ts';

/** Where one job of the schedule stands. */
export interface JobFate {
  readonly job: string;
  /** ISO instants since its last run that nobody began. */
  readonly missed: readonly string[];
  /** Those that were to begin and could not, with the reason. */
  readonly skipped: readonly { readonly slot: string; readonly reason: string }[];
  /** How its last runs ended, newest first. */
  readonly ends: readonly LedgerStatus[];
}

/** What maint knows of itself. */
export interface Self {
  /** Where journal and diary lie. */
  readonly stateDirectory: string;
  /** What is wrong with the journal; empty where nothing is. */
  readonly notices: readonly string[];
  /** False where nothing is remembered after this run. */
  readonly isDurable: boolean;
  /** Jobs that have run before, or should have; undefined where somebody else looks at them. */
  readonly jobs: (() => readonly JobFate[]) | undefined;
}
