import { z } from 'zod';
import { nextSlot } from '../../engine/slots.ts';
import { faultOf, nameOf } from './kinds.ts';

/** States from which an escalation never comes back. One that is pending is work that waits for a person. */
export const CLOSED = ['resolved', 'cancelled', 'expired'] as const;

const ruleSetting = z
  .strictObject({
    target: z.enum(['streams', 'jobs', 'escalations']).describe('What the rule is about'),
    action: z
      .enum(['delete', 'prune'])
      .describe('delete takes whole rows; prune takes the scaffolding of jobs, and leaves what search and export need'),
    olderThan: z.string().min(1).describe('How old a row must be, as a PostgreSQL interval such as 7 days or 24 hours'),
    hasEntity: z.boolean().optional().describe('Jobs with an entity, or those without one'),
    pruned: z.boolean().optional().describe('true for jobs that were pruned so long ago'),
    statuses: z
      .array(z.enum(CLOSED))
      .min(1)
      .optional()
      .describe('Which closed escalations; all of them where left out. Open ones always stay'),
  })
  .superRefine((rule, context) => {
    const fault = faultOf(rule);
    if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
  });

/** One rule as the maintenance of HotMesh writes it. */
export type HotmeshRule = z.infer<typeof ruleSetting>;

/** What HotMesh itself ships with. */
const DEFAULT_RULES: readonly z.input<typeof ruleSetting>[] = [
  { target: 'streams', action: 'delete', olderThan: '7 days' },
  { target: 'jobs', action: 'delete', olderThan: '7 days', hasEntity: false },
  { target: 'jobs', action: 'prune', olderThan: '7 days', hasEntity: true },
  { target: 'jobs', action: 'delete', olderThan: '90 days', pruned: true },
];

const maintenanceSetting = z.strictObject({
  schedule: z
    .string()
    .refine(isSchedule, 'is no schedule: write minute, hour, day, month and weekday, such as 0 2 * * *')
    .optional()
    .describe('When these rules run besides their tier; `maint cron install` writes a line for it. HotMesh: 0 2 * * *'),
  rules: z
    .array(ruleSetting)
    .default([...DEFAULT_RULES])
    .refine(hasNoTwins, 'two rules take the same rows: leave one of them out')
    .describe('In this order, and none stops the next; where left out the four that HotMesh ships with'),
});

const appSetting = z
  .strictObject({
    schema: z.string().min(1).optional().describe('The schema that holds its tables'),
    appId: z.string().min(1).optional().describe('The id of the application; only its jobs are looked at'),
  })
  .refine(({ schema, appId }) => schema !== undefined || appId !== undefined, 'name the schema, the appId or both');
export type AppSetting = z.infer<typeof appSetting>;

/** Retention of HotMesh. It deletes only where this block stands in the configuration. */
export const hotmeshSetting = z.strictObject({
  maintenance: z
    .union([z.literal(false), maintenanceSetting])
    .prefault({})
    .describe('When and by which rules, in the format of HotMesh; false turns all of it off'),
  apps: z
    .array(appSetting)
    .min(1)
    .refine((apps) => new Set(apps.map(labelOf)).size === apps.length, 'an application is named twice')
    .optional()
    .describe('Only these applications; every one that the catalogue shows where left out'),
  keepDeadLetters: z.boolean().default(false).describe('Whether messages that nobody could deliver stay for ever'),
  expiredJobs: z
    .enum(['leave', 'mark'])
    .default('leave')
    .describe(
      'Jobs past their expiry where the role may not keep triggers quiet: leave them whole, or mark them pruned ' +
        'although HotMesh then exports them no more',
    ),
  allowTriggers: z.array(z.string()).default([]).describe('Triggers that are not those of HotMesh, by name'),
});
export type HotmeshSettings = z.infer<typeof hotmeshSetting>;

/** The rules in force; none where maintenance is off. */
export function rulesInForce(settings: HotmeshSettings | undefined): readonly HotmeshRule[] {
  return settings === undefined || settings.maintenance === false ? [] : settings.maintenance.rules;
}

/** When the rules are to run, where they are in force and say so. */
export function scheduleOf(settings: HotmeshSettings | undefined): string | undefined {
  return settings === undefined || settings.maintenance === false ? undefined : settings.maintenance.schedule;
}

/** How reports call an application: `durable`, or `my_app (my-app)`. */
export function labelOf({ schema, appId }: AppSetting): string {
  if (schema === undefined || appId === undefined) return schema ?? appId ?? '';
  return `${schema} (${appId})`;
}

function hasNoTwins(rules: readonly HotmeshRule[]): boolean {
  return new Set(rules.map(nameOf)).size === rules.length;
}

function isSchedule(text: string): boolean {
  if (text.trim().split(/\s+/).length !== 5) return false;
  try {
    return nextSlot(text, 'UTC', new Date(0)) !== undefined;
  } catch {
    // The parser throws plain errors, and says nothing that the message above does not.
    return false;
  }
}
