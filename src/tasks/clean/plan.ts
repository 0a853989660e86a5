import { rotationStep } from '../../cleaning/rotation-step.ts';
import { ruleStep } from '../../cleaning/rule-step.ts';
import { MaintError } from '../../base/errors.ts';
import { skip } from '../../engine/outcome.ts';
import type { PlanContext, Step } from '../../engine/task.ts';
import type { CleanSettings } from '../clean.ts';

/** What `clean` would do, as steps. Loaded only where it is asked for: it brings its whole trade. */
export async function planClean(context: PlanContext<CleanSettings>): Promise<readonly Step[]> {
  const { rules, rotate, rule: only } = context.settings;
  if (rules.length + rotate.length === 0) return [NOTHING];
  const isMeant = ({ name }: { readonly name: string }): boolean => only === undefined || name === only;
  const steps: Step[] = [];
  for (const rotation of rotate.filter(isMeant))
    steps.push(await planned(`logs ${rotation.name}`, () => rotationStep(rotation, context)));
  for (const rule of rules.filter(isMeant))
    steps.push(await planned(`rule ${rule.name}`, () => ruleStep(rule, context)));
  return steps;
}

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
