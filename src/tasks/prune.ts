import { z } from 'zod';
import { findFallback } from '../backups/freshness.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';
import { skip } from '../engine/outcome.ts';
import { defineTask, type PlanContext, type Step } from '../engine/task.ts';
import { clockRefusal, databaseNow } from '../retention/cutoff.ts';
import { nameOf } from '../retention/hotmesh/kinds.ts';
import { planHotmesh } from '../retention/hotmesh/plan.ts';
import { hotmeshSetting, rulesInForce, scheduleOf, type HotmeshSettings } from '../retention/hotmesh/settings.ts';
import type { Together } from '../retention/perform.ts';
import { openGates, type Gates } from '../retention/gates.ts';
import type { Before } from '../retention/overlap.ts';
import { beforeOf, planned, stepOf, withNotes, type Planned } from '../retention/planned.ts';
import { prepareRule, subjectOf } from '../retention/prepare.ts';
import type { Refusal } from '../retention/refusal.ts';
import { gatesSetting, paceSetting, rulesSetting, type Rule } from '../retention/settings.ts';
import { tidyStep } from '../retention/tidy.ts';
import { isWithin, windowSetting } from '../retention/window.ts';

const settings = z
  .strictObject({
    rules: rulesSetting.prefault([]).describe('Which rows may go, rule by rule; without one nothing is ever deleted'),
    hotmesh: hotmeshSetting.optional().describe('The retention of HotMesh; where left out none of its rows ever goes'),
    rule: z.string().min(1).optional().describe('Only the rule of this name'),
    pace: paceSetting.default('gentle').describe('At work a quarter of the time, half of it, or all of it'),
    maxTime: durationSetting.optional().describe('No batch begins once so much time has passed'),
    maxRows: z.int().positive().optional().describe('No batch begins once so many rows are gone'),
    window: windowSetting
      .optional()
      .describe('Batches begin between these times of day only, by the time zone of maint'),
    explain: z.boolean().default(false).describe('Only look, and show in a dry run how the server would go about it'),
    fresh: z.boolean().default(false).describe('Begin anew where an earlier run did not come to its end'),
    lockTimeout: durationSetting.prefault('2s').describe('How long a batch may wait for a lock'),
    vacuum: z
      .boolean()
      .default(true)
      .describe('Whether tables that lost many rows are vacuumed once all rules are done'),
    floor: durationSetting.prefault('23h').describe('Refuse rules that would take rows younger than this'),
    requireBackup: durationSetting
      .optional()
      .describe('Refuse every rule unless there is a verified backup of this age at most; not asked where left out'),
    gates: gatesSetting.prefault({}).describe('When batches wait'),
  })
  .refine(({ rule, ...chosen }) => rule === undefined || namesIn(chosen).includes(rule), {
    path: ['rule'],
    message: 'no rule has this name',
  })
  .refine((chosen) => new Set(namesIn(chosen)).size === namesIn(chosen).length, {
    path: ['rules'],
    message: 'a rule has the name of one of hotmesh',
  });

type Settings = z.infer<typeof settings>;

function namesIn({
  rules,
  hotmesh,
}: {
  rules: readonly Rule[];
  hotmesh?: HotmeshSettings | undefined;
}): readonly string[] {
  return [...rules.map(({ name }) => name), ...rulesInForce(hotmesh).map(nameOf)];
}

/** Deletes what is older than its rule says, in batches that the application does not feel. */
export const prune = defineTask<Settings>({
  name: 'prune',
  summary: 'Delete old rows by rule, in short batches',
  tier: 'daily',
  effect: 'destroys',
  onFailure: 'continue',
  deadlineMs: 6 * 60 * 60_000,
  settings,
  ownSchedule: ({ hotmesh }) => scheduleOf(hotmesh),
  flags: [
    { flag: '--rule <name>', summary: 'only this rule', setting: 'rule' },
    { flag: '--pace <pace>', summary: 'gentle, normal or full', setting: 'pace' },
    { flag: '--max-time <time>', summary: 'begin no batch after so long', setting: 'maxTime' },
    { flag: '--max-rows <rows>', summary: 'begin no batch after so many rows', setting: 'maxRows' },
    { flag: '--window <times>', summary: 'begin batches between these times only: 01:00-05:00', setting: 'window' },
    { flag: '--fresh', summary: 'begin anew where an earlier run did not come to its end', setting: 'fresh' },
    { flag: '--explain', summary: 'only look; with --dry-run show the plan of the first batch', setting: 'explain' },
  ],
  examples: [
    { command: 'maint prune --dry-run', summary: 'say which rows would go, and by which statement' },
    { command: 'maint prune --rule events --pace full', summary: 'one rule, without resting between batches' },
    { command: 'maint prune restore orders --dry-run', summary: 'count what an archive would give back' },
  ],

  async plan(context) {
    const { settings: chosen, database, memory, timezone } = context;
    const rules = chosen.rules.filter(({ name }) => chosen.rule === undefined || name === chosen.rule);
    if (rules.length + rulesInForce(chosen.hotmesh).length === 0) return [NOTHING];
    const { isStandby } = await database.server();
    const from = await databaseNow(database);
    const general = isStandby ? STANDBY : (clockRefusal(from, context.now()) ?? (await backupRefusal(context)));
    const around = { database, from, timezone, floorMs: chosen.floor };
    const gates = await openGates(database, chosen.gates);
    const together = togetherOf(context, gates);
    const tables: Planned[] = [];
    for (const rule of rules)
      tables.push(
        await planned(`rule ${rule.name}`, async () =>
          general === undefined ? prepareRule(rule, around) : { subject: subjectOf(rule), refusals: [general] },
        ),
      );
    const { hotmesh, rule: only } = chosen;
    const ofHotmesh = await planHotmesh({ settings: hotmesh, only, general, ...around });
    const past = { history: context.history, now: context.now() };
    const steps: Step[] = [];
    const before: Before[] = [];
    for (const one of tables) {
      steps.push(stepOf(await withNotes(one, { ...together, database, memory, past, before }), together));
      before.push(...beforeOf(one));
    }
    for (const one of ofHotmesh)
      steps.push(stepOf(await withNotes(one, { ...together, database, memory, past, before: [] }), together));
    if (!chosen.vacuum || general !== undefined) return steps;
    return [...steps, tidyStep(together.touched, { pace: chosen.pace, budget: together.budget })];
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

/** @returns a refusal where rows would go that nobody could bring back */
async function backupRefusal(context: PlanContext<Settings>): Promise<Refusal | undefined> {
  const { settings: chosen, backups: places, project: label, signal } = context;
  if (chosen.requireBackup === undefined) return undefined;
  const now = context.now();
  const since = new Date(now.getTime() - chosen.requireBackup);
  const { newest, silent } = await findFallback({ places, label, since, now, signal });
  if (newest !== undefined && newest.takenAt >= since) return undefined;
  const age = newest === undefined ? undefined : formatDuration(now.getTime() - newest.takenAt.getTime());
  const found = newest === undefined ? 'there is none' : `the newest, ${newest.id}, is ${age} old`;
  return {
    detail: 'prune.backup',
    reason: `no verified backup of the last ${formatDuration(chosen.requireBackup)} was found: ${[found, ...silent].join('; ')}`,
    remediation: ['maint backup', 'maint backups status'],
  };
}

function togetherOf(context: PlanContext<Settings>, gates: Gates): Together {
  const { settings: chosen, timezone } = context;
  const { maxTime, maxRows, window } = chosen;
  return {
    pace: chosen.pace,
    lockTimeoutMs: chosen.lockTimeout,
    gates,
    patienceMs: chosen.gates.patience,
    budget: {
      until: maxTime === undefined ? undefined : new Date(context.now().getTime() + maxTime),
      rowsLeft: maxRows,
      isOpen: (at) => window === undefined || isWithin(window, at, timezone),
    },
    isOnlyExplained: chosen.explain,
    isFresh: chosen.fresh,
    touched: new Set(),
  };
}
