import type { Tier } from '../engine/task.ts';
import type { AlertsInvocation } from './alerts-invocation.ts';
import type { BackupsInvocation } from './backups-invocation.ts';
import type { CronInvocation } from './cron-invocation.ts';
import type {
  PruneRestoreInvocation,
  RestoreFilesInvocation,
  RestoreInvocation,
  RestoreSweepInvocation,
} from './restore-invocation.ts';

/** What a command line asks for: plain data, nothing decided yet. */
export type Invocation =
  | RunInvocation
  | { readonly kind: 'status'; readonly format: Format; readonly common: CommonFlags }
  | TickInvocation
  | ExecInvocation
  | { readonly kind: 'history'; readonly limit: number; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'doctor'; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'config-check'; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'config-print'; readonly common: CommonFlags }
  | { readonly kind: 'config-schema'; readonly of: 'config' | 'report'; readonly common: CommonFlags }
  | InitInvocation
  | AlertTestInvocation
  | AlertsInvocation
  | AlertRulesInvocation
  | RestoreInvocation
  | BackupsInvocation
  | RestoreFilesInvocation
  | RestoreSweepInvocation
  | PruneRestoreInvocation
  | CronInvocation
  | { readonly kind: 'runbook'; readonly check: string }
  | { readonly kind: 'completion'; readonly shell: Shell }
  | Answer;

/** A text for stdout that needs nothing but printing: help, or the version. */
export interface Answer {
  readonly kind: 'answer';
  readonly text: string;
}

/** A tier, or tasks by name, to be run or looked at. */
export interface RunInvocation {
  readonly kind: 'run';
  /** What was asked for, as the report names it: `daily`, `health`, `run health backup`. */
  readonly command: string;
  readonly select: Selection;
  readonly dryRun: boolean;
  /** Leave out every other task; empty where not given. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly format: Format | MonitorFormat;
  readonly cron: boolean;
  readonly failOn: FailOn;
  /** Where a JUnit file goes. */
  readonly junit: string | undefined;
  /** Where a file for node_exporter goes, besides the one of the configuration. */
  readonly textfile: string | undefined;
  readonly overrides: readonly Override[];
  /** `auto`, or an instant as it was typed: the slot that the run is for. */
  readonly slot?: string;
  /** Only what failed in the newest run of the tier. */
  readonly resume?: true;
  /** Also a slot that is done. */
  readonly force?: true;
  /** The slot that a tick runs it for; nobody types this. */
  readonly scheduled?: { readonly slot: Date; readonly isCatchUp: boolean };
  readonly common: CommonFlags;
}

/** Look, deliver, judge, and run what is due. */
interface TickInvocation {
  readonly kind: 'tick';
  readonly dryRun: boolean;
  readonly cron: boolean;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** Run a foreign command. */
export interface ExecInvocation {
  readonly kind: 'exec';
  /** Name of the job; that of the program where left out. */
  readonly job: string | undefined;
  /** `auto`, or an instant as it was typed; undefined for a run of no slot. */
  readonly slot: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly cron: boolean;
  /** Program and arguments. */
  readonly argv: readonly string[];
  readonly common: CommonFlags;
}

/** Write a first configuration. */
interface InitInvocation {
  readonly kind: 'init';
  /** Where the file goes; the command's own choice where left out. */
  readonly output: string | undefined;
  /** Write over a file that is there. */
  readonly force: boolean;
  readonly common: CommonFlags;
}

/** Print rules for Prometheus. */
export interface AlertRulesInvocation {
  readonly kind: 'alert-rules';
  /** How often metrics are written, as it was typed; once a day where left out. */
  readonly every: string | undefined;
  readonly common: CommonFlags;
}

/** Send a test alert. */
export interface AlertTestInvocation {
  readonly kind: 'alert-test';
  /** The one channel to try; all where left out. */
  readonly channel: string | undefined;
  /** Only the channels that problems of this class go to. */
  readonly alertClass: 'page' | 'ticket' | undefined;
  /** Show what would be sent, and send nothing. */
  readonly print: boolean;
  /** The code of a test that arrived. */
  readonly confirm: string | undefined;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** Flags that every command takes. */
export interface CommonFlags {
  readonly config: string | undefined;
  readonly state: string | undefined;
  readonly verbose: boolean;
  /** False with --no-color; where true, the terminal decides. */
  readonly color: boolean;
}

type Selection = { readonly tier: Tier } | { readonly tasks: readonly string[] };

/** A setting that a flag sets for this invocation alone. */
export interface Override {
  readonly task: string;
  /** Key of the task's settings block. */
  readonly setting: string;
  readonly value: string | number | boolean;
  /** The flag as it was typed, for error messages: `--max-age`. */
  readonly flag: string;
}

export type Format = 'text' | 'json';

/** How `maint health` can answer a monitoring system. */
export const MONITOR_FORMATS = ['nagios', 'prometheus'] as const;
export type MonitorFormat = (typeof MONITOR_FORMATS)[number];

/** From which verdict on the exit code is 1. */
export const FAIL_ON = ['fail', 'warn'] as const;
export type FailOn = (typeof FAIL_ON)[number];

/** Shells that `maint completion` knows. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];
