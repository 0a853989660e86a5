import type { Database, Transaction } from '../adapters/postgres.ts';
import { sql, type Fragment, type Statement } from '../adapters/sql.ts';
import type { Target } from './target.ts';

/** The rows that one batch may take. */
export interface Grip {
  readonly target: Target;
  /** All that makes a row one of them; it is asked again once the row is locked. */
  readonly condition: Fragment;
  /** Rows at most, for an action that can stop within a range. */
  readonly limit: number;
  /** Leave the rows that another session holds. */
  readonly isAroundLocks: boolean;
}

/** What a batch took. */
export interface Took {
  readonly rows: number;
  /** False where the limit ended it, so that the same range has more of them. */
  readonly isWhole: boolean;
  /** Rows of another table that went with them. */
  readonly attributes?: number;
  /** What remains to be done once the transaction is committed. */
  afterCommit?(): Promise<void>;
}

/** What a rule does to its rows: the one thing in which rules differ once they know their rows. */
export interface Action {
  /** About how many rows the first batch may take. */
  readonly firstRows: number;
  /** About how many rows a range may hold at most, however fast it goes. */
  readonly maxRows: number;
  /** The same at full pace where no replica follows; `maxRows` where left out. */
  readonly maxRowsAlone?: number;
  /** How many rows a batch may take at most, where the action can stop within a range. */
  readonly maxLimit: number;
  /** Runs once before the first batch: what an earlier run left half done is brought to its end. */
  begin?(database: Database): Promise<void>;
  /** Runs inside the transaction of the batch. */
  take(inside: Transaction, grip: Grip): Promise<Took>;
  /** What `take` says to the server, one statement after the other, for a dry run. */
  statements(grip: Grip): readonly Statement<object>[];
}

/**
 * Deletes the rows, and by cascade what refers to them.
 * @param sizes smaller where each row takes others along
 */
export function deleteRows(sizes: Pick<Action, 'firstRows' | 'maxRows' | 'maxRowsAlone'>): Action {
  return {
    ...sizes,
    maxLimit: Infinity,
    take: async (inside, grip) => ({ rows: await inside.run(deletion(grip)), isWhole: true }),
    statements: (grip) => [deletion(grip)],
  };
}

/** ONLY, as partitions and inheriting tables are targets of their own. */
function deletion({ target: { table }, condition, isAroundLocks }: Grip): Statement<never> {
  if (!isAroundLocks) return sql`DELETE FROM ONLY ${table} WHERE ${condition}`;
  return sql`DELETE FROM ONLY ${table}
              WHERE ctid = ANY(ARRAY(SELECT ctid FROM ONLY ${table} WHERE ${condition} FOR UPDATE SKIP LOCKED))`;
}
