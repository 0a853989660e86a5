/** Lets the same line through so often in a minute; what comes more often is counted. */
const PER_MINUTE = 100;
/** Different lines are remembered up to here; a storm is one of few. */
const MOST_LINES = 1_000;
const MINUTE_MS = 60_000;

/** Keeps a storm of identical lines from filling the log. */
interface Repeats {
  /** One line of JSON with its end. */
  write(line: string): void;
  /** Says what was counted so far. */
  flush(): void;
}

interface Seen {
  count: number;
  /** The newest of them. */
  line: string;
}

/**
 * Hands lines on, the same one at most a hundred times a minute; then, once, the last of them with how many were left out.
 * Lines are the same where they differ in their time alone. Nothing is lost but the repetition.
 */
export function limitRepeats(write: (line: string) => void, now: () => Date): Repeats {
  const seen = new Map<string, Seen>();
  let minute = 0;
  const flush = (): void => {
    for (const { count, line } of seen.values()) if (count > PER_MINUTE) write(withCount(line, count - PER_MINUTE));
    seen.clear();
  };
  return {
    write: (line) => {
      const current = Math.floor(now().getTime() / MINUTE_MS);
      if (current !== minute || seen.size >= MOST_LINES) flush();
      minute = current;
      const key = line.replace(/"time":"[^"]*"/, '');
      const count = (seen.get(key)?.count ?? 0) + 1;
      seen.set(key, { count, line });
      if (count <= PER_MINUTE) write(line);
    },
    flush,
  };
}

/** The line with one field more: how many like it were left out. */
function withCount(line: string, repeated: number): string {
  return `${line.trimEnd().slice(0, -1)},"repeated":${repeated}}\n`;
}
