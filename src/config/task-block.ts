import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';
import { ownScheduleSetting } from './time-settings.ts';
import { TIERS, type Task, type Tier } from '../engine/task.ts';

/** What a task's block says once it is checked: when and whether it runs, and the task's own settings. */
export interface TaskBlock {
  readonly enabled: boolean;
  readonly tier: Tier;
  readonly deadlineMs: number;
  /** When it runs instead of with its tier; undefined where it runs with its tier. */
  readonly schedule: string | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * The block of one task: its own settings, and the switches that every task has.
 * @throws Error when the settings are no object schema or use a reserved name, which is a mistake in that task
 */
export function taskBlock(task: Task): z.ZodType<TaskBlock> {
  const { settings } = task;
  if (!(settings instanceof z.ZodObject))
    throw new Error(`the settings of the task ${task.name} are no z.strictObject`);
  const taken = ['enabled', 'tier', 'deadline', 'schedule'].find((key) => key in settings.shape);
  if (taken !== undefined) throw new Error(`the task ${task.name} has a setting of its own named ${taken}`);
  return settings
    .safeExtend({
      enabled: z.boolean().default(true).describe('Whether its tier runs it'),
      tier: z.enum(TIERS).default(task.tier).describe('The tier that runs it'),
      deadline: durationSetting.prefault(exactDuration(task.deadlineMs)).describe('How long one step of it may take'),
      schedule: ownScheduleSetting
        .optional()
        .describe(
          'When it runs instead of with its tier: as crontab writes it, or a time such as 1 day; maint tick starts it',
        ),
    })
    .transform(separate)
    .prefault({})
    .describe(task.summary);
}

/** The compiler does not know the shape of a foreign schema, so the switches are read a second time. */
const switches = z.object({
  enabled: z.boolean(),
  tier: z.enum(TIERS),
  deadlineMs: z.number(),
  schedule: z.string().optional(),
});

function separate(block: Readonly<Record<string, unknown>>): TaskBlock {
  const { enabled, tier, deadline, schedule, ...settings } = block;
  const read = switches.parse({ enabled, tier, deadlineMs: deadline, schedule });
  return { ...read, schedule: read.schedule, settings };
}

/** Writes milliseconds so that they read back unchanged. */
function exactDuration(ms: number): string {
  const units = { h: 3_600_000, min: 60_000, s: 1_000 };
  const [unit = 'ms', size = 1] = Object.entries(units).find(([, unitMs]) => ms % unitMs === 0) ?? [];
  return `${ms / size} ${unit}`;
}
