import { z } from 'zod';
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
    rule: z.string().min(1).optional().describe('Only the rule of this name'),
  })
  .refine(({ rules }) => new Set(rules.map(({ name }) => name)).size === rules.length, {
    path: ['rules'],
    message: 'two rules have the same name',
  })
  .refine(({ rule, rules }) => rule === undefined || rules.some(({ name }) => name === rule), {
    path: ['rule'],
    message: 'no rule has this name',
  });

type Settings = z.infer<typeof settings>;

/** Removes files and folders that have served their time, by rules that are plain data. */
export const clean = defineTask<Settings>({
  name: 'clean',
  summary: 'Remove old files and folders by rule',
  tier: 'daily',
  effect: 'destroys',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 60 * 60_000,
  settings,
  flags: [{ flag: '--rule <name>', summary: 'only this rule', setting: 'rule' }],
  examples: [
    { command: 'maint clean --dry-run', summary: 'say which files would go, and how much that would free' },
    { command: 'maint clean --rule uploads', summary: 'one rule' },
  ],

  async plan(context) {
    const { rules, rule: only } = context.settings;
    const chosen = rules.filter(({ name }) => only === undefined || name === only);
    if (chosen.length === 0) return [NOTHING];
    const steps: Step[] = [];
    for (const rule of chosen) steps.push(await planned(`rule ${rule.name}`, () => ruleStep(rule, context)));
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
