import type { Task } from '../engine/task.ts';

/** Every task, in running order. A new task is one file and one line here. */
export const tasks: readonly Task[] = [];
