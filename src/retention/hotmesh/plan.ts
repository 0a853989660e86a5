import type { Refusal } from '../refusal.ts';
import type { Surroundings } from '../prepare.ts';
import { planned, type Planned } from '../planned.ts';
import { errandOf, escalationsErrand, type Errand, type Idle } from './errands.ts';
import { nameOf } from './kinds.ts';
import { findPlaces, hasEscalations, placesOf, type Place } from './places.ts';
import { prepareErrand, type Earlier } from './prepare.ts';
import { labelOf, rulesInForce, type HotmeshRule, type HotmeshSettings } from './settings.ts';

/** Where the rules of HotMesh are looked at. */
export interface HotmeshPlan extends Surroundings {
  readonly settings: HotmeshSettings | undefined;
  /** Only the rule of this name. */
  readonly only: string | undefined;
  /** What keeps every rule of the run from beginning. */
  readonly general: Refusal | undefined;
}

/** Looks at every rule in every place, one place after the other, each with its rules in order. */
export async function planHotmesh(plan: HotmeshPlan): Promise<readonly Planned[]> {
  const { settings, only } = plan;
  const rules = rulesInForce(settings).filter((rule) => only === undefined || nameOf(rule) === only);
  if (settings === undefined || rules.length === 0) return [];
  const found = await findPlaces(plan.database);
  const result: Planned[] = [];
  for (const errands of errandsBySite(rules, settings, found)) {
    let earlier: readonly Earlier[] = [];
    for (const errand of errands) {
      const looked = await lookAt(errand, { ...plan, settings, earlier });
      earlier = [...earlier, ...looked.takes];
      result.push(looked.planned);
    }
  }
  return [...result, ...(await escalations(rules, { ...plan, settings }))];
}

interface Looking extends HotmeshPlan {
  readonly settings: HotmeshSettings;
  readonly earlier: readonly Earlier[];
}

async function lookAt(
  errand: Errand | Idle,
  plan: Looking,
): Promise<{ readonly planned: Planned; readonly takes: readonly Earlier[] }> {
  let takes: readonly Earlier[] = [];
  const { title, subject } = errand;
  const one = await planned(title, async () => {
    if ('reason' in errand) return { subject, refusals: [], idle: errand };
    if (plan.general !== undefined) return { subject, refusals: [plan.general] };
    const looked = await prepareErrand(errand, plan);
    takes = looked.takes;
    return looked.prepared;
  });
  return { planned: one, takes };
}

function errandsBySite(
  rules: readonly HotmeshRule[],
  settings: HotmeshSettings,
  found: readonly Place[],
): readonly (readonly (Errand | Idle)[])[] {
  const own = rules.filter(({ target }) => target !== 'escalations');
  if (own.length === 0) return [];
  const errands = (place: Place): readonly (Errand | Idle)[] =>
    own.filter((rule) => hasTablesFor(rule, place)).map((rule) => errandOf(rule, place, settings));
  if (settings.apps === undefined) return found.length === 0 ? [[nowhere('this database', found)]] : found.map(errands);
  return settings.apps.flatMap((app) => {
    const places = placesOf(found, app);
    return places.length === 0 ? [[nowhere(labelOf(app), found)]] : places.map(errands);
  });
}

/** An application can have its jobs in one schema and its messages in another. */
function hasTablesFor({ target }: HotmeshRule, { jobs, streams }: Place): boolean {
  return target === 'jobs' ? jobs !== undefined : streams.length > 0;
}

function nowhere(label: string, found: readonly Place[]): Idle {
  const others = found.length === 0 ? '' : `; there are some in ${found.map(({ schema }) => schema).join(', ')}`;
  return {
    title: `rules of hotmesh in ${label}`,
    subject: { name: 'hotmesh', trend: 'hotmesh', table: label, noun: 'row', of: label, verb: 'deleted' },
    reason: `no tables of HotMesh were found for ${label}${others}`,
    remediation: ['Correct `database.url`, or `apps` of hotmesh; set `maintenance: false` where there are none.'],
  };
}

async function escalations(
  rules: readonly HotmeshRule[],
  plan: HotmeshPlan & { readonly settings: HotmeshSettings },
): Promise<readonly Planned[]> {
  const own = rules.filter(({ target }) => target === 'escalations');
  if (own.length === 0) return [];
  const isThere = await hasEscalations(plan.database);
  const result: Planned[] = [];
  for (const rule of own) {
    const errand = escalationsErrand(rule, plan.settings.apps);
    const idle: Idle = { ...errand, reason: `there is no table ${errand.subject.table}`, remediation: [] };
    result.push((await lookAt(isThere ? errand : idle, { ...plan, earlier: [] })).planned);
  }
  return result;
}
