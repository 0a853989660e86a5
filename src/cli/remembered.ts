import type { Journal } from '../engine/journal.ts';
import type { RunReport } from '../engine/report.ts';
import type { Remembered } from './prometheus.ts';

/** How far back to look for a run that ended well. */
const RUNS_LOOKED_AT = 1_000;
const WELL: ReadonlySet<string | null> = new Set(['done', 'warn', 'skip']);

/** What the journal knows besides the report, for monitoring systems. */
export function rememberedOf(report: RunReport, journal: Journal): Remembered {
  const isWell = WELL.has(report.verdict) && report.stoppedBy === null && !report.dryRun;
  const last = isWell
    ? report.finishedAt
    : journal
        .runs(RUNS_LOOKED_AT)
        .find(
          ({ command, verdict, finishedAt }) => command === report.command && finishedAt !== null && WELL.has(verdict),
        )?.finishedAt;
  return {
    lastSuccessAt: typeof last === 'string' ? new Date(last) : undefined,
    spooled: journal.shelf('spool').all().length,
  };
}
