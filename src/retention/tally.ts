import type { GateName } from './gates.ts';

/** Why a rule came to its end. */
export type Ending = 'finished' | 'stopped' | 'locked' | 'max-time' | 'max-rows' | 'window' | GateName;

/** What a rule has done so far. */
export interface Tally {
  rows: number;
  /** Rows of another table that went with them, where the action counts those. */
  attributes: number;
  /** How long each transaction took, in milliseconds. */
  readonly batchMs: number[];
  /** Milliseconds of waiting, by reason; `pace` is the rest between batches. */
  readonly pausedMs: Partial<Record<GateName | 'pace' | 'sessions blocked by us', number>>;
  /** How often a lock was not to be had in time. */
  lockTimeouts: number;
  /** Rows that were left because others held them. */
  lockedSkipped: number;
  /** Partitions that went whole, by name. */
  readonly partitions: string[];
  /** Oids of tables that are not there any more. */
  readonly gone: Set<string>;
  /** From the first look to the last, in milliseconds. */
  elapsedMs: number;
  /** WAL of the whole server, at the first gate and after the last batch. */
  wal: { readonly from: number; readonly to: number } | undefined;
  /** WAL of the server while the last batch was at work. */
  batchWalBytes: number;
  /** Replicas that followed when the gates were looked at last. */
  replicas: number;
  ending: Ending;
}

/** Nothing done yet. */
export function emptyTally(): Tally {
  return {
    rows: 0,
    attributes: 0,
    batchMs: [],
    pausedMs: {},
    lockTimeouts: 0,
    lockedSkipped: 0,
    partitions: [],
    gone: new Set(),
    elapsedMs: 0,
    wal: undefined,
    batchWalBytes: 0,
    replicas: 0,
    ending: 'finished',
  };
}

/** How long it has waited so far, for whatever reason, in milliseconds. */
export function pausedIn({ pausedMs }: Tally): number {
  return Object.values(pausedMs).reduce((sum, ms) => sum + ms, 0);
}

/** What one transaction in two, one in a hundred, and the longest took. */
export interface Spread {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** Sums up how long transactions took; zeros where there were none. */
export function spreadOf(durations: readonly number[]): Spread {
  const ordered = durations.toSorted((a, b) => a - b);
  const at = (share: number): number => ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), longestMs: at(1) };
}
