import type { Task, TaskExample, TaskFlag } from './task.ts';

/**
 * A task in words: what the command line has to know of it without loading it. `scripts/generate.ts` writes the list of
 * them, `src/tasks/words.ts`, so that help, completion and usage errors load no schema and no driver.
 */
export interface TaskWords extends Pick<Task, 'name' | 'summary' | 'tier' | 'effect'> {
  readonly flags: readonly FlagWords[];
  readonly examples: readonly TaskExample[];
  readonly settings: readonly SettingWords[];
}

/** A flag, with what its setting takes. */
export interface FlagWords extends TaskFlag {
  /** Its value is a number; text, or no value at all, where left out. */
  readonly number?: NumberRange;
}

/** Which numbers a setting takes. */
export interface NumberRange {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly isWhole?: boolean;
}

/** One line of a task's settings block. */
export interface SettingWords {
  /** Dotted where blocks are nested; `[]` for the items of a list. */
  readonly key: string;
  /** The type in words: `text`, `whole number from 1`. */
  readonly type: string;
  /** The default as a person would write it; `required` or `optional` where there is none. */
  readonly fallback: string;
  readonly description: string;
}
