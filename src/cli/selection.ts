import { tasksOfTier, type Config, type ConfiguredTask } from '../config/config.ts';
import type { RunInvocation } from './invocation.ts';

/** The tasks that an invocation runs, in running order. One named by hand runs even where its tier would leave it out. */
export function selectTasks({ select, only, skip }: RunInvocation, config: Config): readonly ConfiguredTask[] {
  if ('tasks' in select) return config.tasks.filter(({ task }) => select.tasks.includes(task.name));
  return tasksOfTier(config, select.tier)
    .filter(({ task }) => only.length === 0 || only.includes(task.name))
    .filter(({ task }) => !skip.includes(task.name));
}
