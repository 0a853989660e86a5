import type { World } from '../base/world.ts';
import { stepReport, type Ending } from '../engine/endings.ts';
import type { TaskReport } from '../engine/report.ts';
import { worst } from '../engine/verdict.ts';

/** What maint finds by itself, outside of any task. */
interface OwnTask {
  /** As reports and alerts call it. */
  readonly task: string;
  /** Was everything looked at? Then a step that is missing is over. */
  readonly planned: boolean;
  readonly steps: readonly { readonly title: string; readonly ending: Ending }[];
}

/** Puts it into the form of a task, so that report, journal and alerts treat it as any other. */
export function ownTask({ task, planned, steps }: OwnTask, world: World): TaskReport {
  const [startedAt, startedMs] = [world.now(), world.monotonicMs()];
  const reports = steps.map(({ title, ending }) =>
    stepReport({ title, startedAt, startedMs, intent: [] }, world, ending),
  );
  return { task, verdict: worst(reports.map(({ verdict }) => verdict)), durationMs: 0, planned, steps: reports };
}
