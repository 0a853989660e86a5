import { DRILL, slugOf, type Fault } from '../engine/fault.ts';
import type { TaskReport } from '../engine/report.ts';

/** Says loudly what MAINT_FAULT did to a run: a drill that is forgotten hides what it forces. */
export function drillNotices(faults: readonly Fault[], tasks: readonly TaskReport[]): readonly string[] {
  const steps = tasks.flatMap(({ task, steps: reported }) => reported.map((step) => ({ task, ...step })));
  return faults.map(({ step, verdict }) => {
    const hit = steps.find(({ title, detail }) => detail === DRILL && slugOf(title) === step);
    return hit === undefined
      ? `MAINT_FAULT forces no step of this run: ${step}`
      : `A DRILL: MAINT_FAULT forces "${hit.title}" of ${hit.task} to ${verdict}; unset it to look for real`;
  });
}
