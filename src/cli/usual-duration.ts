import { formatDuration } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { LedgerEntry } from '../engine/ledger.ts';
import type { TaskReport } from '../engine/report.ts';
import { isProblem, worst } from '../engine/verdict.ts';
import { durationAnomaly, FEWEST_RUNS, goodDurationsMs } from '../schedule/duration-anomaly.ts';
import { ownTask } from './own-task.ts';

/** A scheduled run whose tasks have ended. */
interface Judged {
  readonly job: string;
  readonly tasks: readonly TaskReport[];
  readonly durationMs: number;
  /** Lines of its job from before it began. */
  readonly earlier: readonly LedgerEntry[];
}

/**
 * Holds how long a scheduled run took against the runs before it: one that ends at once has often done nothing.
 * @returns nothing where too little is known, or the run did not come to a good end
 */
export function judgeDuration({ job, tasks, durationMs, earlier }: Judged, world: World): readonly TaskReport[] {
  const usual = goodDurationsMs(earlier);
  const verdict = worst(tasks.map((task) => task.verdict));
  const isBroken = verdict === 'not-run' || (isProblem(verdict) && verdict !== 'warn');
  if (usual.length < FEWEST_RUNS || isBroken) return [];
  const anomaly = durationAnomaly(durationMs, usual);
  const facts = { durationMs };
  const ending =
    anomaly === undefined
      ? { verdict: 'done' as const, summary: `${formatDuration(durationMs)}, as usual`, facts }
      : { verdict: 'warn' as const, summary: anomaly, facts, detail: 'schedule.duration', remediation: REMEDIATION };
  // That nothing is said of another job is no sign that all is well with it.
  return [ownTask({ task: 'duration', planned: false, steps: [{ title: job, ending }] }, world)];
}

const REMEDIATION = [
  'See in this report which task took so long, or did so little; maint history names the runs before it.',
  'Too short is as odd as too long: is what it works on still where it was?',
];
