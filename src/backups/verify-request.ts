import type { Store, StoredFile } from '../adapters/store.ts';
import type { DecodeRequest } from './decode.ts';
import type { Manifest } from './manifest.ts';
import type { Keys } from './opening.ts';

/** How deep a verification looks; each level does what those before it do. */
export const LEVELS = ['present', 'checksum', 'decode'] as const;
export type Level = (typeof LEVELS)[number];

/** Something that is wrong with a backup. */
export interface Finding {
  /** Dotted name for programs: `verify.rows_mismatch`. */
  readonly detail: `verify.${string}`;
  /** One line for people. */
  readonly message: string;
}

/** Which backup to verify, and with what. */
export interface VerifyRequest {
  readonly store: Store;
  /** Of its folder in the store. */
  readonly path: string;
  readonly id: string;
  readonly label: string;
  readonly level: Level;
  readonly now: Date;
  readonly keys: Keys;
  /** Finds a pg_restore that can read what this major version of pg_dump wrote. */
  readonly pgRestore: (pgDumpMajor: number) => Promise<DecodeRequest['pgRestore']>;
  readonly onProgress: (bytes: number, total: number) => void;
}

/** What lies in the folder of a backup, and what it says of itself. */
export interface Stated {
  readonly files: readonly StoredFile[];
  readonly manifest: Manifest;
  /** By file name, from the file of checksums. */
  readonly sums: ReadonlyMap<string, string>;
}

/** Makes a finding. */
export function finding(detail: Finding['detail'], message: string): Finding {
  return { detail, message };
}
