import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';
import { defineTask, type Step } from '../engine/task.ts';
import { checks } from '../health/checks.ts';
import { stepOf, type Gate } from '../health/steps.ts';

/** What holds for all checks together. */
const common = z.strictObject({
  within: durationSetting
    .prefault('25s')
    .describe('How long all checks together may take; what has no answer by then could not be found out'),
  statementTimeout: durationSetting
    .prefault('5s')
    .describe('How long one statement of a check may take, where database.statementTimeout allows no less'),
});

/** Each check brings its own keys. */
const settings = common.extend(Object.fromEntries(checks.flatMap((check) => Object.entries(check.settings))));

/** The compiler does not know the shape that all checks make together, so these two are read a second time. */
const chosenLimits = z.object({ within: z.number(), statementTimeout: z.number() });

/** A server that does not answer so soon does not answer. */
const CONNECT_TIMEOUT_MS = 5_000;
/** No check is worth standing in a queue of locks. */
const LOCK_TIMEOUT_MS = 1_000;

export const health = defineTask({
  name: 'health',
  summary: 'Check that database and application answer and have room to spare',
  tier: 'daily',
  effect: 'reads',
  onFailure: 'continue',
  deadlineMs: 20_000,
  settings,
  limits: (chosen) => {
    const { within: wholeMs, statementTimeout: statementTimeoutMs } = chosenLimits.parse(chosen);
    return { wholeMs, statementTimeoutMs, connectTimeoutMs: CONNECT_TIMEOUT_MS, lockTimeoutMs: LOCK_TIMEOUT_MS };
  },
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
