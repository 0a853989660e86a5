import { z } from 'zod';
import { rotationsSetting } from '../cleaning/rotation-settings.ts';
import { rotationStep } from '../cleaning/rotation-step.ts';
import { ruleStep } from '../cleaning/rule-step.ts';
import { cleaningRulesSetting } from '../cleaning/settings.ts';
import { MaintError } from '../base/errors.ts';
import { skip } from '../engine/outcome.ts';
import { defineTask, type Step } from '../engine/task.ts';

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

type Settings = z.infer<typeof settings>;

interface Named {
  readonly name: string;
}

function namesIn({ rules, rotate }: { rules: readonly Named[]; rotate: readonly Named[] }): readonly string[] {
  return [...rules, ...rotate].map(({ name }) => name);
}

/** Removes files and folders that have served their time, and puts logs aside, by rules that are plain data. */
export const clean = defineTask<Settings>({
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

  async plan(context) {
    const { rules, rotate, rule: only } = context.settings;
    if (namesIn(context.settings).length === 0) return [NOTHING];
    const isMeant = ({ name }: Named): boolean => only === undefined || name === only;
    const steps: Step[] = [];
    for (const rotation of rotate.filter(isMeant))
      steps.push(await planned(`logs ${rotation.name}`, () => rotationStep(rotation, context)));
    for (const rule of rules.filter(isMeant))
      steps.push(await planned(`rule ${rule.name}`, () => ruleStep(rule, context)));
    return steps;
  },
});

const NOTHING: Step = {
  title: 'rules',
  intent: ['no rule is configured: nothing is ever removed'],
  perform: async () => skip('no rule is configured, so nothing is ever removed'),
};

/** What keeps one rule from being looked at says nothing about the next. */
async function planned(title: string, look: () => Promise<Step>): Promise<Step> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return { title, intent: [`not clear: ${error.message}`], perform: () => Promise.reject(error) };
  }
}
