import type { Tier } from '../engine/task.ts';
import type { AlertsInvocation } from './alerts-invocation.ts';
import type { BackupsInvocation } from './backups-invocation.ts';

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

/** Restore a backup into a new database. */
export interface RestoreInvocation {
  readonly kind: 'restore';
  /** An id, or `latest`. */
  readonly backup: string;
  /** Nothing was typed but the command: whoever sits at a terminal is asked. */
  readonly isBare: boolean;
  /** Tables as they were typed; all where both are empty. */
  readonly tables: readonly string[];
  readonly schemas: readonly string[];
  /** The copy to read from; the backups of this host where left out. */
  readonly copy: string | undefined;
  /** A file with private keys of age; as configured where left out. */
  readonly identity: string | undefined;
  readonly target: RestoreTarget;
  /** Name of the new database; made from the old one and the time where left out. */
  readonly toDatabase: string | undefined;
  /** Indexes built at the same time; one per processor where left out. */
  readonly jobs: number | undefined;
  /** Where the backups are; as configured where left out. */
  readonly directory: string | undefined;
  readonly createRoles: boolean;
  /** False leaves everything to the role that restores. */
  readonly owner: boolean;
  /** Keep what was restored so far when it fails. */
  readonly keep: boolean;
  /** Give the restored database the name of the live one. */
  readonly swap: boolean;
  /** The name of the live database, typed once more. */
  readonly confirm: string | undefined;
  readonly dryRun: boolean;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** The server to restore onto; the configured one where both are left out. */
export interface RestoreTarget {
  /** A database URL without a password. */
  readonly to: string | undefined;
  /** Name of the environment variable that holds one, which may have a password. */
  readonly toEnv: string | undefined;
}

/** Bring files of the application back. */
export interface RestoreFilesInvocation extends Pick<
  RestoreInvocation,
  'backup' | 'copy' | 'identity' | 'directory' | 'keep' | 'dryRun' | 'format' | 'common'
> {
  readonly kind: 'restore-files';
  /** Name of the file set. */
  readonly files: string;
  /** The folder they go into; made from the old one and the time where left out. */
  readonly toDirectory: string | undefined;
  /** Replace files that are there. */
  readonly overwrite: boolean;
}

/** Remove what killed restores left on the server. */
export interface RestoreSweepInvocation {
  readonly kind: 'restore-sweep';
  readonly target: RestoreTarget;
  readonly dryRun: boolean;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** Bring archived rows back. */
export interface PruneRestoreInvocation {
  readonly kind: 'prune-restore';
  /** The name of a rule, or the folder of one. */
  readonly rule: string;
  /** Texts as they were typed. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly where: string | undefined;
  readonly dryRun: boolean;
  readonly format: Format;
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

/** Work with the schedule outside of maint. */
type CronInvocation =
  | { readonly kind: 'cron-print'; readonly scheduler: Scheduler; readonly common: CommonFlags }
  | ({ readonly kind: 'cron-install' | 'cron-uninstall'; readonly common: CommonFlags } & CrontabChange)
  | CronLintInvocation
  | CronSimulateInvocation;

/** How the crontab may be changed. */
interface CrontabChange {
  readonly dryRun: boolean;
  /** Write over a block that someone has edited. */
  readonly force: boolean;
}

/** Look for mistakes in a crontab. */
interface CronLintInvocation {
  readonly kind: 'cron-lint';
  /** A path, or `-` for stdin; the crontab of the user where left out. */
  readonly file: string | undefined;
  /** That of the machine where left out. */
  readonly timezone: string | undefined;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** Say when a schedule comes. Texts as they were typed. */
interface CronSimulateInvocation {
  readonly kind: 'cron-simulate';
  readonly expression: string;
  readonly timezone: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly count: number | undefined;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** What `maint cron print` can write for. */
export const SCHEDULERS = ['crontab', 'cron.d', 'systemd', 'kubernetes', 'github-actions'] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

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
