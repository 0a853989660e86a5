import type { Task } from '../engine/task.ts';
import { health } from './health.ts';

/** Every task, in running order. A new task is one file and one line here. */
export const tasks: readonly Task[] = [health];
