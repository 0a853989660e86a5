import { bootId, isProcessAlive } from '../adapters/host.ts';
import type { RunRecord } from '../engine/journal.ts';
import type { Verdict } from '../engine/verdict.ts';

/** What became of a run: its verdict, or `running`, or `killed` where it has no end and its process is gone. */
export type Fate = Verdict | 'running' | 'killed';

/** @param host name of this host; of a run on another one without an end nothing can be known, so it counts as running */
export function fateOf(run: RunRecord, host: string): Fate {
  if (run.finishedAt !== null) return verdictOf(run.verdict);
  if (run.host !== host) return 'running';
  return run.bootId === bootId() && isProcessAlive(run.pid) ? 'running' : 'killed';
}

const VERDICTS: readonly Verdict[] = ['done', 'skip', 'warn', 'fail', 'crash', 'not-run'];

/** The journal keeps verdicts as text; one that this version does not know means that nothing is known. */
export function verdictOf(text: string | null): Verdict {
  return VERDICTS.find((verdict) => verdict === text) ?? 'crash';
}
