import type { CommonFlags, Format } from './invocation.ts';

/** Which backups a command is about. */
export interface BackupsPlace {
  /** Where those of this host are; as configured where left out. */
  readonly directory: string | undefined;
  /** The name of a copy; those of this host where left out. */
  readonly copy: string | undefined;
  readonly format: Format;
  readonly common: CommonFlags;
}

/** List the backups of one place. */
export interface ListInvocation extends BackupsPlace {
  readonly kind: 'backups-list';
}

/** Show everything that is known of one backup. */
export interface ShowInvocation extends BackupsPlace {
  readonly kind: 'backups-show';
  /** An id, or `latest`. */
  readonly backup: string;
}

/** Judge the backups. */
export interface StatusInvocation extends BackupsPlace {
  readonly kind: 'backups-status';
}

/** Let old backups go. */
export interface PruneInvocation extends BackupsPlace {
  readonly kind: 'backups-prune';
  readonly dryRun: boolean;
}

/** Write down what a person says of a backup. */
export interface WordInvocation extends Omit<BackupsPlace, 'copy'> {
  readonly kind: 'backups-pin' | 'backups-unpin' | 'backups-ack';
  /** An id, or `latest`. */
  readonly backup: string;
  /** Empty where none was asked for. */
  readonly reason: string;
}

/** Inject faults and expect alarms. */
export interface SelftestInvocation extends Omit<BackupsPlace, 'copy'> {
  readonly kind: 'backups-selftest';
  /** Keep what was made on the way. */
  readonly keep: boolean;
}

/** What `maint backups …` asks for. */
export type BackupsInvocation =
  | ListInvocation
  | ShowInvocation
  | StatusInvocation
  | PruneInvocation
  | WordInvocation
  | SelftestInvocation;
