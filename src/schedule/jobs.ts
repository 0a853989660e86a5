import type { CronExpression } from './fields.ts';

/** A round that a scheduler starts. */
export interface ScheduledJob {
  /** `daily`; part of file names. */
  readonly name: string;
  readonly expression: CronExpression;
  /** What is started: program, script, words. */
  readonly words: readonly string[];
}

/** The rounds of one project. */
export interface ScheduledProject {
  readonly project: string;
  /** IANA name of the time zone that the schedules mean. */
  readonly timezone: string;
  readonly jobs: readonly ScheduledJob[];
}
