import type { Config, ConfiguredTask } from '../config/config.ts';
import type { RunInvocation } from './invocation.ts';

/** The tasks that an invocation runs, in running order. One named by hand runs even where its tier would leave it out. */
export function selectTasks({ select, only, skip }: RunInvocation, { tasks }: Config): readonly ConfiguredTask[] {
  if ('tasks' in select) return tasks.filter(({ task }) => select.tasks.includes(task.name));
  return tasks
    .filter(({ enabled, tier }) => enabled && tier === select.tier)
    .filter(({ task }) => only.length === 0 || only.includes(task.name))
    .filter(({ task }) => !skip.includes(task.name));
}
