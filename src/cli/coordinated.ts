import type { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import type { ConfiguredTask } from '../config/config.ts';
import type { TaskReport } from '../engine/report.ts';
import { ownTask } from './own-task.ts';

/** Why a scheduled slot was not done: the database that keeps the hosts apart did not answer. */
export const NO_COORDINATOR = 'no coordinator: the database that keeps the hosts apart did not answer';

/** Tasks that may run although nobody knows what other hosts do, and the others. */
interface Parted {
  readonly runnable: readonly ConfiguredTask[];
  readonly blocked: readonly ConfiguredTask[];
}

/** Where the hosts cannot be kept apart, a scheduled run only looks: two hosts may look, but not change the same. */
export function parted(selected: readonly ConfiguredTask[], isUncoordinated: boolean): Parted {
  const isBlocked = ({ task }: ConfiguredTask): boolean => isUncoordinated && task.effect !== 'reads';
  return { runnable: selected.filter((each) => !isBlocked(each)), blocked: selected.filter(isBlocked) };
}

/** The report of a task that was left out for that reason. */
export function blockedReport({ task }: ConfiguredTask, error: MaintError, world: World): TaskReport {
  const ending = {
    verdict: 'crash' as const,
    code: error.code,
    summary: `skipped: ${NO_COORDINATOR}: ${error.message}`,
    detail: 'schedule.no_coordinator',
    remediation: [
      error.hint,
      `It is made up for once the database answers; by hand: maint ${task.name}`,
      'Where this host is the only one: database.coordination: off',
    ],
  };
  return ownTask({ task: task.name, planned: false, steps: [{ title: 'plan', ending }] }, world);
}
