import { findFallback } from '../../backups/freshness.ts';
import { formatDuration } from '../../base/units.ts';
import { skip } from '../../engine/outcome.ts';
import type { PlanContext, Step } from '../../engine/task.ts';
import { clockRefusal, databaseNow } from '../../retention/cutoff.ts';
import { planHotmesh } from '../../retention/hotmesh/plan.ts';
import { rulesInForce } from '../../retention/hotmesh/settings.ts';
import type { Together } from '../../retention/perform.ts';
import { openGates, type Gates } from '../../retention/gates.ts';
import type { Before } from '../../retention/overlap.ts';
import { beforeOf, planned, stepOf, withNotes, type Planned } from '../../retention/planned.ts';
import { prepareRule, subjectOf } from '../../retention/prepare.ts';
import type { Refusal } from '../../retention/refusal.ts';
import { tidyStep } from '../../retention/tidy.ts';
import { isWithin } from '../../retention/window.ts';
import type { PruneSettings } from '../prune.ts';

/** What `prune` would do, as steps. Loaded only where it is asked for: it brings its whole trade. */
export async function planPrune(context: PlanContext<PruneSettings>): Promise<readonly Step[]> {
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
}

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
async function backupRefusal(context: PlanContext<PruneSettings>): Promise<Refusal | undefined> {
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

function togetherOf(context: PlanContext<PruneSettings>, gates: Gates): Together {
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
