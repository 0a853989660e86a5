import { createHash } from 'node:crypto';
import type { Reader } from '../adapters/postgres.ts';
import type { Statement } from '../adapters/sql.ts';
import type { Recall } from '../engine/memory.ts';
import type { Cutoff } from './cutoff.ts';
import type { Target } from './target.ts';

/** Which sweep a cursor belongs to. */
export interface Sweeping {
  /** What the numbers of the rule are kept under. */
  readonly trend: string;
  /** All that the rule says: with another word it is another sweep. */
  readonly fingerprint: string;
}

/** How far an earlier run came. */
export interface Cursor {
  /** The first block that it did not look at. */
  readonly block: number;
  /** The cutoff that it went by. */
  readonly cutoff: Cutoff;
}

/** How one batch writes down how far its sweep has come. */
export interface Bookmark {
  /** Runs in the transaction of the batch. */
  readonly statement?: Statement<never>;
  /** Runs once the batch is committed. After a kill in between the same range is looked at once more, which costs nothing. */
  committed?(): void;
}

/** Remembers how far a sweep over the blocks of a table has come: in the database, or else in the journal. */
export interface CursorKeeper {
  /** @param block the next one; undefined once all are done */
  save(block: number | undefined): Bookmark;
}

/** Where a cursor may be kept. */
export interface Places {
  readonly database: Reader;
  /** Undefined where nobody keeps a journal. */
  readonly memory?: Recall | undefined;
}

/** To look at fewer blocks again takes no time. */
const MANY_BLOCKS = 1_024;

/** Ranges of an index begin where rows are; ranges of blocks begin at the first, and would read all that is done again. */
export function deservesCursor({ isIndexed, blocks }: Target): boolean {
  return !isIndexed && blocks >= MANY_BLOCKS;
}

/** Makes a fingerprint of what a rule says. */
export function fingerprintOf(rule: object): string {
  return createHash('sha256').update(JSON.stringify(rule)).digest('hex');
}
