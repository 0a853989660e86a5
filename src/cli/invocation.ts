import type { Tier } from '../engine/task.ts';

/** What a command line asks for: plain data, nothing decided yet. */
export type Invocation =
  | RunInvocation
  | { readonly kind: 'status'; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'history'; readonly limit: number; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'doctor'; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'config-check'; readonly format: Format; readonly common: CommonFlags }
  | { readonly kind: 'config-print'; readonly common: CommonFlags }
  | { readonly kind: 'config-schema'; readonly common: CommonFlags }
  | InitInvocation
  | AlertTestInvocation
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
  readonly format: Format;
  readonly cron: boolean;
  readonly failOn: FailOn;
  /** Where a JUnit file goes. */
  readonly junit: string | undefined;
  readonly overrides: readonly Override[];
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

/** Send a test alert. */
interface AlertTestInvocation {
  readonly kind: 'alert-test';
  /** The one channel to try; all where left out. */
  readonly channel: string | undefined;
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

/** From which verdict on the exit code is 1. */
export const FAIL_ON = ['fail', 'warn'] as const;
export type FailOn = (typeof FAIL_ON)[number];

/** Shells that `maint completion` knows. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];
