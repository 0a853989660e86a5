import { z } from 'zod';
import { rotationsSetting } from '../cleaning/rotation-settings.ts';
import { cleaningRulesSetting } from '../cleaning/settings.ts';
import { defineTask } from '../engine/task.ts';

const settings = z
  .strictObject({
    rules: cleaningRulesSetting
      .default([])
      .describe('Which files or folders may go, rule by rule; without one nothing is ever removed'),
    rotate: rotationsSetting.default([]).describe('Which logs are put aside, compressed and at last removed'),
    rule: z.string().min(1).optional().describe('Only the rule, or the rotation, of this name'),
  })
  .refine((chosen) => new Set(namesIn(chosen)).size === namesIn(chosen).length, {
    path: ['rules'],
    message: 'two rules or rotations have the same name',
  })
  .refine(({ rule, ...chosen }) => rule === undefined || namesIn(chosen).includes(rule), {
    path: ['rule'],
    message: 'no rule has this name',
  });

export type CleanSettings = z.infer<typeof settings>;

interface Named {
  readonly name: string;
}

function namesIn({ rules, rotate }: { rules: readonly Named[]; rotate: readonly Named[] }): readonly string[] {
  return [...rules, ...rotate].map(({ name }) => name);
}

/** Removes files and folders that have served their time, and puts logs aside, by rules that are plain data. */
export const clean = defineTask<CleanSettings>({
  name: 'clean',
  summary: 'Remove old files by rule, and rotate logs',
  tier: 'daily',
  effect: 'destroys',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 60 * 60_000,
  settings,
  flags: [{ flag: '--rule <name>', summary: 'only this rule or rotation', setting: 'rule' }],
  examples: [
    { command: 'maint clean --dry-run', summary: 'say which files would go, and how much that would free' },
    { command: 'maint clean --rule uploads', summary: 'one rule' },
  ],

  plan: async (context) => (await import('./clean/plan.ts')).planClean(context),
});
