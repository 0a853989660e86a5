import type { Ledger } from './ledger.ts';
import type { ClaimedSlot } from './lease.ts';
import type { RunReport } from './report.ts';
import type { SampleHistory } from './sample.ts';

/** What is written down when a run begins, so that a killed one can be recognised afterwards. */
export interface RunStart {
  readonly run: string;
  readonly command: string;
  /** The tier, where the run was one. */
  readonly tier: string | null;
  readonly slot: string | null;
  readonly host: string;
  readonly pid: number;
  readonly bootId: string;
  readonly startedAt: string;
}

/** A run as the journal remembers it. */
export interface RunRecord extends RunStart {
  /** Null while it runs, and for ever when it was killed. */
  readonly finishedAt: string | null;
  readonly verdict: string | null;
  /** As its report has it. */
  readonly fence: number | null;
}

/** The last time a task came to a verdict. */
export interface TaskRecord {
  readonly task: string;
  readonly verdict: string;
  readonly startedAt: string;
  readonly run: string;
}

/** Small documents kept by kind and id, in the order they were put: alert states, the delivery spool. */
export interface Shelf {
  all(): readonly string[];
  /** @returns undefined where there is none of that id */
  get(id: string): string | undefined;
  put(id: string, body: string): void;
  remove(id: string): void;
  /** Replaces everything at once. */
  replace(entries: readonly { readonly id: string; readonly body: string }[]): void;
}

/** One document of a chronicle. */
interface ChronicleEntry {
  readonly id: string;
  /** ISO instant. */
  readonly at: string;
  readonly body: string;
}

/** Documents that are only ever added, by kind: what happened to alerts. They are kept as long as runs are. */
export interface Chronicle {
  /** An entry whose id is there already changes nothing. */
  add(entries: readonly ChronicleEntry[]): void;
  /** From this instant on, oldest first, as they were added. */
  since(at: Date): readonly string[];
}

/**
 * What ran when, with what result; samples over time; slots; documents of the rooms above. One SQLite file.
 * The journal never stops the work: what it cannot write it says in `notices`, and goes on in memory.
 */
export interface Journal extends SampleHistory, Disposable {
  /** What is wrong with the journal, in words for the report. Grows when a write fails. */
  readonly notices: readonly string[];
  /** False once it lives in memory only: then nothing is remembered after this run. */
  readonly isDurable: boolean;
  begin(start: RunStart): void;
  finish(report: RunReport): void;
  /** Newest first. Ticks that found nothing broken are left out, for there are hundreds a day. */
  runs(limit: number): readonly RunRecord[];
  /** Newest first; only runs of that tier. */
  runsOfTier(tier: string, limit: number): readonly RunRecord[];
  /** The newest record of each task. */
  lastOfEachTask(): readonly TaskRecord[];
  /** The whole report of a finished run, as JSON text; undefined where there is none. */
  report(run: string): string | undefined;
  /**
   * Claims the slot of a job on this host. The same slot can be claimed again until it was finished.
   * @returns false when this slot, or a later one, is already done
   */
  claimSlot(job: string, slot: string, run: string): boolean;
  /** Takes back that a slot is done, so that it can be claimed once more. */
  reopenSlot(job: string, slot: string): void;
  /** Marks the slot that this run has claimed as done; one that another run has taken over is left alone. */
  finishSlot(job: string, run: string, at: string): void;
  /** The newest slot of a job that was claimed on this host. */
  claimedSlot(job: string): ClaimedSlot | undefined;
  readonly ledger: Ledger;
  shelf(kind: string): Shelf;
  chronicle(kind: string): Chronicle;
  /** So many reports of finished runs that began at or after this instant, oldest first, as JSON text. */
  reportsSince(at: Date, limit: number): readonly string[];
}
