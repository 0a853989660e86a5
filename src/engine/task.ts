import type { ZodType } from 'zod';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import type { Database, Reader, SessionLimits } from '../adapters/postgres.ts';
import type { Log } from '../base/log.ts';
import type { BackupPlaces } from './backup-places.ts';
import type { Concern } from './concern.ts';
import type { Memory, Recall } from './memory.ts';
import type { Outcome } from './outcome.ts';
import type { SampleHistory } from './sample.ts';
import type { Self } from './self.ts';

/** The ordered lists of tasks that cron calls. */
export const TIERS = ['daily', 'weekly', 'monthly', 'quarterly'] as const;
export type Tier = (typeof TIERS)[number];

/**
 * A piece of maintenance: it looks, and answers with the steps it would take.
 * A newcomer adds one by one file in `tasks/`, one line in `tasks/index.ts` and one test.
 */
export interface Task<Settings = unknown> {
  /** kebab-case; also its file name, its config key and the word a person types. */
  readonly name: string;
  /** One imperative line for help and docs, at most 72 characters. */
  readonly summary: string;
  /** Where it runs unless the config says otherwise. */
  readonly tier: Tier;
  /** The worst it can do. A task that `destroys` does so only where the config consents, by a rule or a retention. */
  readonly effect: 'reads' | 'changes' | 'destroys';
  /** True where it needs no database, and so works when none is configured. */
  readonly withoutDatabase?: true;
  /** May later steps of this task run after a failed or crashed one? */
  readonly onFailure: 'stop' | 'continue';
  /** How long one step may take, in milliseconds, unless the config says otherwise. */
  readonly deadlineMs: number;
  /** What holds for all of it together, where that has limits. A method, for the same reason as `plan`. */
  limits?(settings: Settings): TaskLimits;
  /** Its block in the config, every field described, most with a default. */
  readonly settings: ZodType<Settings>;
  /** When its block asks for it besides its tier, as crontab writes it. A method, for the same reason as `plan`. */
  ownSchedule?(settings: Settings): string | undefined;
  /** Flags of its verb that stand for settings. */
  readonly flags?: readonly TaskFlag[];
  /** Command lines with a word on each, shown in its help. */
  readonly examples: readonly TaskExample[];
  /** Looks, decides, touches nothing. A dry run ends here. A method, so that `Task<S>` fits into `readonly Task[]`. */
  plan(context: PlanContext<Settings>): Promise<readonly Step[]>;
}

/** How long a task may take, and what it may ask of the database: each where the session does not allow less anyway. */
export interface TaskLimits extends SessionLimits {
  /** For planning and all steps together, in milliseconds. What has no answer by then is a crash that says so. */
  readonly wholeMs: number;
}

/** A command-line flag that sets one setting of a task for this invocation. */
export interface TaskFlag {
  /** As commander writes it: `--max-age <age>` or `--all`. */
  readonly flag: string;
  readonly summary: string;
  /** The key of the settings block. */
  readonly setting: string;
  /** What a flag without a value stands for; `true` where left out. */
  readonly value?: string | number | boolean;
}

/** A line of help: a command a person can copy, and what it is for. */
export interface TaskExample {
  readonly command: string;
  readonly summary: string;
}

/** The smallest piece a person would name in a report: a table, a rule, a target; never a row. */
export interface Step {
  /** The same from run to run: alerts, trends and recovery notices know a step by it. What varies belongs in the summary. */
  readonly title: string;
  /** What `perform` would do, for a dry run; one line each, exact. */
  readonly intent?: readonly string[];
  /** Why it matters and how urgently, where it is a check. */
  readonly concern?: Concern;
  /** However it ends, later steps run: `onFailure` of its task does not hold for it. */
  readonly isIndependent?: true;
  /**
   * Performed beside others of its task: it touches no database, changes nothing, and tells no progress. Only where
   * `onFailure` is `continue`, for no step then depends on another.
   */
  readonly isConcurrent?: true;
  /** Safe to run twice, and safe to stop between two units of work. */
  perform(context: StepContext): Promise<Outcome>;
}

/** A host that the configuration talks to by https. */
export interface HttpsPlace {
  /** The key that names it, such as `alerts.channels[0].url`. */
  readonly where: string;
  readonly host: string;
  readonly port: number;
}

/** What both halves of a task get. */
interface Surroundings {
  /** Already carries run, task and step. */
  readonly log: Log;
  /** Aborts when the run is stopped or the deadline has passed. */
  readonly signal: AbortSignal;
  now(): Date;
  /** Client programs of PostgreSQL, bound to the configured database. */
  readonly clients: ClientPrograms;
  /** Earlier numbers from the journal. */
  readonly history: SampleHistory;
  /** Which project this is, for labels: the database name unless the config says otherwise. */
  readonly project: string;
  /** Where backups lie, and who can read them. */
  readonly backups: BackupPlaces;
  /** IANA name: where a day begins, for whatever counts days. */
  readonly timezone: string;
  /** Every host that the configuration names by https; left out where there is none. */
  readonly httpsPlaces?: readonly HttpsPlace[] | undefined;
  /** Left out where nobody keeps a journal, as in a self-test. */
  readonly self?: Self | undefined;
}

export interface PlanContext<Settings> extends Surroundings {
  readonly settings: Settings;
  /** A session that PostgreSQL itself keeps read-only. Connects at its first use. */
  readonly database: Reader;
  /** Left out where nobody keeps a journal. */
  readonly memory?: Recall | undefined;
}

export interface StepContext extends Surroundings {
  /** May write, unless the task's effect is `reads`: then the session is read-only here too. */
  readonly database: Database;
  /** What later runs should know. Left out where nobody keeps a journal. */
  readonly memory?: Memory | undefined;
  /** Tells a person at a terminal how far the step is. Cheap enough to call often. */
  progress(progress: Progress): void;
}

/** How far a step is. */
export interface Progress {
  readonly done: number;
  /** Where it is known. */
  readonly total?: number;
  readonly unit: 'bytes' | 'rows' | 'items';
}

/** Gives `plan` its types from `settings`; adds nothing at run time. */
export function defineTask<Settings>(task: Task<Settings>): Task<Settings> {
  return task;
}
