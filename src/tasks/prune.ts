import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';
import { defineTask } from '../engine/task.ts';
import { nameOf } from '../retention/hotmesh/kinds.ts';
import { hotmeshSetting, rulesInForce, scheduleOf, type HotmeshSettings } from '../retention/hotmesh/settings.ts';
import { gatesSetting, paceSetting, rulesSetting, type Rule } from '../retention/settings.ts';
import { windowSetting } from '../retention/window.ts';

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

export type PruneSettings = z.infer<typeof settings>;

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
export const prune = defineTask<PruneSettings>({
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

  plan: async (context) => (await import('./prune/plan.ts')).planPrune(context),
});
