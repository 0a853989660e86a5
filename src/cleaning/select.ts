/** A file, or a folder with all that it holds, that a rule covers. */
export interface Candidate {
  /** Relative to the root of the rule, parted by `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
  readonly device: number;
  readonly inode: number;
  /** When it was last written to, of a folder the newest of all it holds; milliseconds since 1970. */
  readonly modifiedMs: number;
  /** What its removal frees. */
  readonly bytes: number;
  /** Files in it; 1 for a file. */
  readonly files: number;
}

/** When a candidate has served its time, and what stays whatever these say. */
export interface Limits {
  readonly olderThanMs?: number | undefined;
  readonly maxTotalBytes?: number | undefined;
  readonly maxCount?: number | undefined;
  readonly keepNewest: number;
  readonly keepYoungerThanMs: number;
  readonly maxPerRun: number;
}

/** What goes, what would go but has to wait, and what stays. */
export interface Selection<Each extends Candidate> {
  /** Oldest first. */
  readonly going: readonly Each[];
  /** How many more are due, and wait for the next run. */
  readonly waiting: number;
  /** How many the rule covers. */
  readonly covered: number;
  /** What those take that neither go nor wait. */
  readonly stayingBytes: number;
  readonly coveredBytes: number;
}

/**
 * Chooses what goes. Oldest first, as long as one of the limits asks for it: it is older than `olderThan`, more than
 * `maxCount` are there, or all together take more than `maxTotal`. The newest `keepNewest` stay, and so does whatever is
 * younger than `keepYoungerThan`.
 */
export function select<Each extends Candidate>(
  candidates: readonly Each[],
  limits: Limits,
  nowMs: number,
): Selection<Each> {
  const { olderThanMs = Infinity, maxTotalBytes = Infinity, maxCount = Infinity } = limits;
  const newestFirst = candidates.toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.path < b.path ? -1 : 1));
  let coveredBytes = 0;
  const due = newestFirst.filter(({ modifiedMs, bytes }, index) => {
    coveredBytes += bytes;
    const ageMs = nowMs - modifiedMs;
    if (index < limits.keepNewest || ageMs < limits.keepYoungerThanMs) return false;
    return ageMs > olderThanMs || index >= maxCount || coveredBytes > maxTotalBytes;
  });
  const going = due.toReversed().slice(0, limits.maxPerRun);
  return {
    going,
    waiting: due.length - going.length,
    covered: candidates.length,
    coveredBytes,
    stayingBytes: coveredBytes - due.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
