import { z } from 'zod';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { done, skip, type Outcome } from '../engine/outcome.ts';
import { defineTask, type PlanContext, type Step, type StepContext } from '../engine/task.ts';
import { countLeft } from '../retention/count.ts';
import { clockRefusal, databaseNow } from '../retention/cutoff.ts';
import { sweep, type Budget } from '../retention/engine.ts';
import { gateReader } from '../retention/gates.ts';
import { refusedOutcome, sweptOutcome, type Remaining } from '../retention/outcome.ts';
import { intentOf, prepareRule, type Found, type Prepared, type Surroundings } from '../retention/prepare.ts';
import type { Refusal } from '../retention/refusal.ts';
import { gatesSetting, paceSetting, rulesSetting, type Rule } from '../retention/settings.ts';
import { emptyTally, type Tally } from '../retention/tally.ts';

const settings = z
  .strictObject({
    rules: rulesSetting.default([]).describe('Which rows may go, rule by rule; without one nothing is ever deleted'),
    rule: z.string().min(1).optional().describe('Only the rule of this name'),
    pace: paceSetting.default('gentle').describe('At work a quarter of the time, half of it, or all of it'),
    maxTime: durationSetting.optional().describe('No batch begins once so much time has passed'),
    maxRows: z.int().positive().optional().describe('No batch begins once so many rows are gone'),
    lockTimeout: durationSetting.prefault('2s').describe('How long a batch may wait for a lock'),
    gates: gatesSetting.prefault({}).describe('When batches wait'),
  })
  .refine(({ rule, rules }) => rule === undefined || rules.some(({ name }) => name === rule), {
    path: ['rule'],
    message: 'no rule has this name',
  });

type Settings = z.infer<typeof settings>;

/** Deletes what is older than its rule says, in batches that the application does not feel. */
export const prune = defineTask<Settings>({
  name: 'prune',
  summary: 'Delete old rows by rule, in short batches',
  tier: 'daily',
  effect: 'destroys',
  onFailure: 'continue',
  deadlineMs: 6 * 60 * 60_000,
  settings,
  flags: [
    { flag: '--rule <name>', summary: 'only this rule', setting: 'rule' },
    { flag: '--pace <pace>', summary: 'gentle, normal or full', setting: 'pace' },
    { flag: '--max-time <time>', summary: 'begin no batch after so long', setting: 'maxTime' },
    { flag: '--max-rows <rows>', summary: 'begin no batch after so many rows', setting: 'maxRows' },
  ],
  examples: [
    { command: 'maint prune --dry-run', summary: 'say which rows would go, and by which statement' },
    { command: 'maint prune --rule events --pace full', summary: 'one rule, without resting between batches' },
  ],

  async plan(context) {
    const { settings: chosen, database } = context;
    const rules = chosen.rules.filter(({ name }) => chosen.rule === undefined || name === chosen.rule);
    if (rules.length === 0) return [NOTHING];
    const { isStandby } = await database.server();
    const from = await databaseNow(database);
    const general = isStandby ? STANDBY : clockRefusal(from, context.now());
    const budget = budgetOf(context);
    const steps: Step[] = [];
    for (const rule of rules) {
      const prepared =
        general === undefined ? await prepare(rule, { ...context, from }) : { rule, refusals: [general] };
      steps.push(ruleStep(prepared, { chosen, budget }));
    }
    return steps;
  },
});

const NOTHING: Step = {
  title: 'rules',
  intent: ['no rule is configured: nothing is ever deleted'],
  perform: async () => skip('no rule is configured, so nothing is ever deleted'),
};

const STANDBY: Refusal = {
  detail: 'prune.standby',
  reason: 'the database is a standby, which changes nothing by itself',
  remediation: ['Run it on the primary; set `enabled: false` for prune on this host.'],
};

function budgetOf(context: PlanContext<Settings>): Budget {
  const { maxTime, maxRows } = context.settings;
  return { until: maxTime === undefined ? undefined : new Date(context.now().getTime() + maxTime), rowsLeft: maxRows };
}

/** What keeps one rule from being looked at says nothing about the next. */
const RULE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'PERMISSION_MISSING',
  'STATEMENT_FAILED',
  'STATEMENT_TIMED_OUT',
  'LOCK_TIMED_OUT',
]);

async function prepare(rule: Rule, around: Surroundings): Promise<Prepared | Unclear> {
  try {
    return await prepareRule(rule, around);
  } catch (error) {
    if (error instanceof MaintError && RULE_ERRORS.has(error.code)) return { rule, error };
    throw error;
  }
}

/** A rule about which something could not be found out. */
interface Unclear {
  readonly rule: Rule;
  readonly error: MaintError;
}

/** What the rules of a run have together. */
interface Together {
  readonly chosen: Settings;
  readonly budget: Budget;
}

function ruleStep(prepared: Prepared | Unclear, together: Together): Step {
  const title = `rule ${prepared.rule.name}`;
  if ('error' in prepared) {
    const { error } = prepared;
    return { title, intent: [`not clear: ${error.message}`], perform: () => Promise.reject(error) };
  }
  const { rule, refusals, found } = prepared;
  return {
    title,
    intent: intentOf(prepared),
    async perform(context) {
      if (refusals.length > 0) return refusedOutcome(rule, refusals);
      if (found === undefined) return done(`${rule.table} has no partition yet`);
      return performRule({ rule, found, ...together }, context);
    },
  };
}

interface Ready extends Together {
  readonly rule: Rule;
  readonly found: Found;
}

async function performRule(ready: Ready, context: StepContext): Promise<Outcome> {
  const { rule, found, chosen, budget } = ready;
  const { database, signal } = context;
  const { targets, doom, counts } = found;
  const tally = emptyTally();
  if (counts.isExact && counts.doomed === 0)
    return sweptOutcome(rule, found, { tally, remaining: { rows: 0, isCounted: true } });
  await sweep(
    {
      database,
      targets,
      doom,
      pace: chosen.pace,
      lockTimeoutMs: chosen.lockTimeout,
      gates: chosen.gates,
      readGates: await gateReader(database),
      budget,
      signal,
      now: () => context.now(),
      onRows: (rows) => context.progress({ done: rows, total: counts.doomed, unit: 'rows' }),
    },
    tally,
  );
  context.log.info({ rule: rule.name, rows: tally.rows, batches: tally.batchMs.length }, 'rule ended');
  const remaining = await remainingOf(ready, context, tally);
  return sweptOutcome(rule, found, { tally, remaining });
}

/** A sweep that met nobody has been everywhere; only after another has it to be counted what is left. */
async function remainingOf({ found }: Ready, { database, signal }: StepContext, tally: Tally): Promise<Remaining> {
  const { ending, rows, lockTimeouts } = tally;
  if (signal.aborted || ending === 'locked') return { rows: Math.max(0, found.counts.doomed - rows), isCounted: false };
  if (ending === 'finished' && lockTimeouts === 0) return { rows: 0, isCounted: true };
  return { rows: await countLeft(database, found.targets, found.doom), isCounted: true };
}
