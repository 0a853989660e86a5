import { z } from 'zod';
import type { Task } from '../engine/task.ts';
import { configSchema } from './schema.ts';

/** Describes the configuration file for editors, as JSON Schema of the draft 2020-12. The same input gives the same order. */
export function configJsonSchema(tasks: readonly Task[]): object {
  const { $schema, ...rest } = z.toJSONSchema(configSchema(tasks), { io: 'input' });
  return { $schema, title: 'Configuration of maint', ...rest };
}
