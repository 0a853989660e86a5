/**
 * What became of one slot of a job, or of one run of it by hand.
 * `running`: it has begun. `ok`, `warn`, `failed`: it came to its end in time. `late`: it came to a good end, but began
 * long after its slot. `killed`: a signal ended it, another host took its
 * lease over, or it has no end and its process is gone. `skipped`: it was to begin
 * and could not, for the reason given. `missed`: nobody began it, and nobody will.
 */
export type LedgerStatus = 'running' | 'ok' | 'warn' | 'failed' | 'late' | 'killed' | 'skipped' | 'missed';

/** A line of the ledger. All instants as ISO text. */
export interface LedgerEntry {
  /** A tier, a task with a schedule of its own, or the name after `maint exec --job`. */
  readonly job: string;
  /** Null for a run by hand. */
  readonly slot: string | null;
  readonly status: LedgerStatus;
  /** UUID; null where nothing ran. */
  readonly run: string | null;
  readonly host: string;
  /** With `bootId` it tells whether a run without an end still goes on. */
  readonly pid: number;
  readonly bootId: string;
  /** When it began; where nothing ran, when that was seen. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly exitCode: number | null;
  /** Was it begun later on, because the slot had been missed? */
  readonly isCatchUp: boolean;
  /** Why it was skipped or missed, or whose its slot is now; null otherwise. */
  readonly reason: string | null;
  /** Of the lease under which it ran; of two runs of one slot the one with the higher fence counts. Null without a lease. */
  readonly fence: number | null;
}

/** Since when the ledger knows of a job; slots from before are nobody's fault. */
export interface KnownJob {
  readonly job: string;
  /** The schedule in words that stays the same as long as it does. */
  readonly schedule: string;
  readonly since: string;
}

/** What became of each slot of each job. It is part of the journal, and fails as that does: never. */
export interface Ledger {
  /** Writes a run down; a second time its end. */
  write(entry: LedgerEntry): void;
  /** Writes down that nothing ran; once for each job, slot and reason. */
  note(entry: LedgerEntry): void;
  /** Newest first. */
  entries(job: string, limit: number): readonly LedgerEntry[];
  /** Runs of all jobs that have begun and not ended. */
  unfinished(): readonly LedgerEntry[];
  known(): readonly KnownJob[];
  /** Remembers a job from now on, or that its schedule has changed. */
  know(job: KnownJob): void;
}
