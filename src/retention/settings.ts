import { z } from 'zod';
import { durationSetting, sizeSetting } from '../base/settings.ts';
import {
  actionFault,
  actionSetting,
  archiveSetting,
  keepLastSetting,
  orphanSetting,
  planAgesSetting,
  stripSetting,
} from './rule-settings.ts';

/** How much of the time batches may be at work. */
export const paceSetting = z.enum(['gentle', 'normal', 'full']);
export type Pace = z.infer<typeof paceSetting>;

const ruleSetting = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]+([-_][a-z0-9]+)*$/, { message: 'must be made of lower-case words, digits and hyphens' })
    .describe('What reports and alerts call the rule'),
  table: z.string().min(1).describe('The table as SQL would name it, such as public.events'),
  age: z.string().min(1).describe('The column that says how old a row is: a time, a date, or an epoch'),
  olderThan: z
    .union([z.string().min(1), planAgesSetting])
    .describe('Rows older than this PostgreSQL interval go, such as 90 days; or an interval for each plan'),
  where: z.string().min(1).optional().describe('Only rows for which this SQL condition is true'),
  timezone: z.string().min(1).optional().describe('Zone of an age column without one: timestamp without time zone'),
  unit: z.enum(['seconds', 'milliseconds']).optional().describe('What a whole-number age column counts since 1970'),
  keepLast: keepLastSetting.optional().describe('Rows that stay because they are the newest of their key'),
  orphanOf: orphanSetting.optional().describe('Only rows that name a row of another table which is not there'),
  action: actionSetting
    .default('delete')
    .describe('delete takes the rows; soft-delete only sets their mark; strip sets it and takes what hangs on them'),
  mark: z.string().min(1).optional().describe('The column that says since when a row is marked, or that it is'),
  strip: stripSetting.optional().describe('What goes when a row is stripped'),
  partitions: z
    .enum(['rows', 'detach', 'drop'])
    .default('rows')
    .describe('Partitions that are old as a whole: their rows go one by one, or they are detached, or dropped'),
  archive: archiveSetting.optional().describe('Where rows are kept before they go'),
  maxShare: z.number().gt(0).lte(1).default(0.5).describe('Refuse to delete more than this share of the table at once'),
  keepAtLeast: z.int().nonnegative().default(1).describe('Refuse when fewer rows than this would stay'),
  allowTriggers: z.array(z.string()).default([]).describe('Delete triggers that may fire, by name'),
});

/** Which rows of which table may go. */
export type Rule = z.infer<typeof ruleSetting>;

/** How old rows of a rule are, in words that follow the table. */
export function olderThanInWords({ olderThan }: Pick<Rule, 'olderThan'>): string {
  return typeof olderThan === 'string' ? `older than ${olderThan}` : `older than ${olderThan.from} allows`;
}

/** Whether a rule lets some rows stay that are old, or does more than delete: then it must look at each of them. */
export function isChoosy({ where, keepLast, orphanOf, olderThan, archive, mark }: Rule): boolean {
  return [where, keepLast, orphanOf, archive, mark].some((each) => each !== undefined) || typeof olderThan !== 'string';
}

/** Retention as data: without a rule nothing is ever deleted. */
export const rulesSetting = z
  .array(
    ruleSetting
      .refine((rule) => rule.partitions === 'rows' || !isChoosy(rule), {
        path: ['partitions'],
        message: 'a partition goes whole, and this rule has to look at each of its rows: leave it out',
      })
      .superRefine((rule, context) => {
        const fault = actionFault(rule);
        if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
      }),
  )
  .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, {
    message: 'two rules have the same name',
  });

/** When batches wait. */
export const gatesSetting = z.strictObject({
  maxReplicaLag: sizeSetting.prefault('64 MB').describe('Wait while a replica is further behind; go on at half of it'),
  maxSlotLag: sizeSetting
    .prefault('1 GB')
    .describe('Wait while a replication slot holds back more WAL, or is about to lose what it needs'),
  maxActive: z
    .int()
    .positive()
    .optional()
    .describe('Wait while more other sessions are at work; half of max_connections where left out'),
  minFreeSpace: sizeSetting.prefault('1 GB').describe('Wait while the disk of a local database has less free space'),
  patience: durationSetting.prefault('15 min').describe('Give up for today after waiting for so long'),
});
export type GateLimits = z.infer<typeof gatesSetting>;
