import type { CommonFlags, Format } from './invocation.ts';

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
  /** Tables loaded and indexes built at the same time; one per processor where left out. */
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
