import { z } from 'zod';
import { defineTask, type Step } from '../engine/task.ts';
import { checks } from '../health/checks.ts';
import { stepOf, type Gate } from '../health/steps.ts';

/** Each check brings its own keys. */
const settings = z.strictObject(Object.fromEntries(checks.flatMap((check) => Object.entries(check.settings))));

export const health = defineTask({
  name: 'health',
  summary: 'Check that database and application answer and have room to spare',
  tier: 'daily',
  effect: 'reads',
  onFailure: 'continue',
  deadlineMs: 60_000,
  settings,
  examples: [
    { command: 'maint health', summary: 'look at everything once; exit code 1 when something is broken' },
    { command: 'maint health --json', summary: 'the same as one JSON document' },
    { command: 'maint health --format nagios', summary: 'as a plugin of Nagios or Icinga, with exit code 0 to 3' },
    { command: 'MAINT_FAULT=sequences=fail maint health', summary: 'a drill: prove that the alarm arrives' },
  ],

  async plan(context) {
    const gate: Gate = { closedBy: undefined };
    const steps: Step[] = [];
    for (const check of checks) {
      const questions = await check.questions(context.settings, context);
      steps.push(...questions.map((question) => stepOf(check, question, gate)));
    }
    return steps;
  },
});
