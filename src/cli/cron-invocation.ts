import type { CommonFlags, Format } from './invocation.ts';

/** Work with the schedule outside of maint. */
export type CronInvocation =
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
