import type { Reader } from '../../adapters/postgres.ts';
import { fragment, type Fragment } from '../../adapters/sql.ts';
import { formatCount } from '../../base/units.ts';
import { countDoomed, countLeft } from '../count.ts';
import { cutoffOf, youthRefusal } from '../cutoff.ts';
import { doomed, type Doom } from '../doomed.ts';
import { firstBatchOf, type Found, type Prepared, type Surroundings } from '../prepare.ts';
import {
  blockingRefusals,
  companionsOf,
  findReferences,
  triggerRefusals,
  unindexedRefusals,
  type Reference,
} from '../references.ts';
import type { Refusal } from '../refusal.ts';
import { findFamily, type Family, type Target } from '../target.ts';
import type { Errand } from './errands.ts';
import { lookAtStripping } from './pruning.ts';
import type { HotmeshSettings } from './settings.ts';

/** What an earlier rule will have taken once a later one begins. */
export interface Earlier {
  readonly name: string;
  /** The table, as the errand names it. */
  readonly table: string;
  /** The rows that it takes. */
  readonly condition: Fragment;
}

/** Where and after which rules an errand is looked at. */
export interface Around extends Surroundings {
  readonly settings: HotmeshSettings;
  readonly earlier: readonly Earlier[];
}

/** An errand that was looked at, and what later ones have to know of it. */
interface Looked {
  readonly prepared: Prepared;
  readonly takes: readonly Earlier[];
}

/** Looks at everything an errand would touch, and changes nothing. @throws MaintError where it cannot find out */
export async function prepareErrand(errand: Errand, around: Around): Promise<Looked> {
  const { database, from, timezone, settings } = around;
  const { subject } = errand;
  const refused = (refusals: readonly Refusal[]): Looked => ({ prepared: { subject, refusals }, takes: [] });
  const families: Family[] = [];
  for (const table of errand.tables) {
    const family = await findFamily(database, table);
    if ('reason' in family) return refused([family]);
    families.push(family);
  }
  const targets = families.flatMap((family) => family.targets).map(shownByKey(errand));
  const [first] = errand.tables;
  const rule = { name: subject.name, olderThan: errand.olderThan, table: '', age: '', ...first };
  const cutoff = await cutoffOf(database, { rule, type: 'timestamptz', from, timezone });
  if ('reason' in cutoff) return refused([cutoff]);
  const base: Doom = { cutoff, where: errand.where };
  const way = await lookAtWork(errand, { database, settings, families, targets, base });
  const { action, doom, refusals, references, caveat } = way;
  const earlier = await afterEarlier(errand, around, { targets, doom });
  const counts = await countDoomed(database, targets, { cutoff, where: earlier.where });
  const found: Found = {
    action,
    targets,
    doom,
    counts,
    references,
    companions: way.companions,
    lines: [wordsFor(errand, cutoff.key), ...earlier.lines, ...way.lines],
    firstBatch: await firstBatchOf(database, { targets, doom, action }),
    ...(caveat !== undefined && { caveat }),
  };
  const young = youthRefusal(cutoff, around, subject.name);
  return { prepared: { subject, refusals: [...young, ...refusals], found }, takes: takenBy(errand, targets, doom) };
}

interface Work {
  readonly database: Reader;
  readonly settings: HotmeshSettings;
  readonly families: readonly Family[];
  readonly targets: readonly Target[];
  /** The rows that the rule names, whatever may stand in the way. */
  readonly base: Doom;
}

/** How the rows go, and which of them. */
type Way = Pick<Found, 'action' | 'doom' | 'references' | 'companions' | 'lines' | 'caveat'> & {
  readonly refusals: readonly Refusal[];
};

async function lookAtWork({ work }: Errand, request: Work): Promise<Way> {
  if (work.verb === 'prune') return { ...(await lookAtStripping(work.place, request)), references: [] };
  return { ...(await lookAtDeletion(request)), action: work.action, doom: request.base, lines: [] };
}

async function lookAtDeletion({
  database,
  settings,
  families,
  base: doom,
}: Work): Promise<Pick<Way, 'references' | 'companions' | 'refusals'>> {
  const refusals: Refusal[] = [];
  const references: Reference[] = [];
  const companions: string[] = [];
  for (const family of families) {
    const [root] = family.oids;
    const reached = await findReferences(database, family);
    const unindexed = unindexedRefusals(reached);
    refusals.push(
      ...unindexed,
      ...(unindexed.length > 0 ? [] : await blockingRefusals(database, { references: reached, family, doom })),
      ...(await triggerRefusals(database, { family, references: reached, rule: settings })),
    );
    companions.push(...companionsOf(reached));
    // A foreign key between divided tables stands in the catalogue once for each pair of parts; the shortest name is the
    // whole.
    references.push(...shortest(reached.filter(({ parentOid, depth }) => parentOid === root && depth === 1)));
  }
  return { references, companions, refusals };
}

function shortest(references: readonly Reference[]): readonly Reference[] {
  const groups = Map.groupBy(references, ({ childSchema, onDelete }) => `${childSchema} ${onDelete}`);
  return [...groups.values()].flatMap((group) => group.toSorted((a, b) => a.child.length - b.child.length).slice(0, 1));
}

/** People know a job by its key. */
function shownByKey({ kind }: Errand): (target: Target) => Target {
  const isJobs = kind !== 'streams' && kind !== 'escalations';
  return (target) => (isJobs ? { ...target, primaryKey: ['key', ...target.primaryKey] } : target);
}

/**
 * Counts without what earlier rules will have taken, and says how much that is. Only deletions can meet: what is pruned is
 * neither without an entity nor pruned before.
 */
async function afterEarlier(
  { tables, work }: Errand,
  { database, earlier }: Around,
  { targets, doom }: Pick<Found, 'targets' | 'doom'>,
): Promise<{ readonly where: Fragment; readonly lines: readonly string[] }> {
  let { where } = doom;
  const lines: string[] = [];
  if (work.verb === 'prune') return { where, lines };
  for (const { name, condition } of earlier.filter((one) => tables.some(({ table }) => table === one.table))) {
    const both = await countLeft(database, targets, { ...doom, where: fragment`${where} AND (${condition})` });
    if (both > 0) lines.push(`${formatCount(both)} more go by ${name} before`);
    where = fragment`${where} AND (${condition}) IS NOT TRUE`;
  }
  return { where, lines };
}

function takenBy({ subject, tables, work }: Errand, targets: readonly Target[], doom: Doom): readonly Earlier[] {
  const [first] = targets;
  if (first === undefined || work.verb === 'prune') return [];
  return tables.map(({ table }) => ({ name: subject.name, table, condition: doomed(first, doom) }));
}

function wordsFor({ subject, tables, work }: Errand, key: string): string {
  const ages = [...new Set(tables.map(({ age }) => age))].join(' and ');
  return `${work.verb} each ${subject.noun} of ${subject.of}: ${ages} before ${key}`;
}
