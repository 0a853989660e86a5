import type { Reader } from '../../adapters/postgres.ts';
import { fragment, ident, type Fragment } from '../../adapters/sql.ts';
import type { Action } from '../action.ts';
import type { Doom } from '../doomed.ts';
import type { Caveat } from '../prepare.ts';
import { triggerRefusals } from '../references.ts';
import type { Refusal } from '../refusal.ts';
import type { Target } from '../target.ts';
import type { Place } from './places.ts';
import { findAttributes, mayKeepTriggersQuiet, pruningRefusals, spareLocks } from './rights.ts';
import type { HotmeshSettings } from './settings.ts';
import { caveatOf, countStaying, linesOf } from './staying.ts';
import { hasScaffolding, stripJobs } from './strip.ts';

/** How jobs would be pruned, and which stay whole. */
export interface Stripped {
  readonly action: Action;
  readonly refusals: readonly Refusal[];
  readonly doom: Doom;
  readonly companions: readonly string[];
  readonly lines: readonly string[];
  readonly caveat: Caveat;
}

interface Request {
  readonly database: Reader;
  readonly settings: HotmeshSettings;
  readonly targets: readonly Target[];
  /** Jobs that are over and old, pruned or not. */
  readonly base: Doom;
}

/** Looks up how the jobs of a place can be pruned without a trace on what stays. */
export async function lookAtStripping(place: Place, request: Request): Promise<Stripped> {
  const { schema } = place;
  const { database, settings, base, targets } = request;
  const hasPrunedAt = place.jobs?.hasPrunedAt ?? false;
  const attributes = await findAttributes(database, schema);
  const { allAttributes, attributesOf } = attributes;
  const isQuiet = hasPrunedAt && (await mayKeepTriggersQuiet(database));
  // Without a mark no job changes, and no trigger fires.
  const isNoticed = hasPrunedAt && !isQuiet;
  const unpruned = hasPrunedAt ? fragment`pruned_at IS NULL` : hasScaffolding(allAttributes);
  const open: Doom = { ...base, where: fragment`${base.where} AND ${unpruned}` };
  const isFree = isNoticed ? withoutTrace(place, settings) : fragment`true`;
  const staying = await countStaying(database, { place, targets, open, isFree, isNoticed });
  const maxLimit = isNoticed ? await spareLocks(database) : Infinity;
  return {
    action: stripJobs({ attributesOf, allAttributes, hasPrunedAt, isQuiet, maxLimit }),
    refusals: [
      ...(await pruningRefusals(database, schema)),
      ...foreignTriggerRefusals(place, settings),
      ...(await triggerRefusals(database, {
        family: { targets: [], oids: attributes.oids },
        references: [],
        rule: settings,
      })),
    ],
    doom: { ...base, where: fragment`${open.where} AND ${isFree}` },
    companions: attributes.oids,
    lines: [KEPT, ...(isNoticed ? [NOTICED] : []), ...linesOf(staying)],
    caveat: caveatOf(staying, { settings, schema }),
  };
}

const KEPT = 'of each job jdata, udata, jmark and hmark stay; adata, other and status go';
const NOTICED = 'the role may not set session_replication_role, so the triggers of HotMesh fire for each mark';

/** A trigger of somebody else may want to know of each change, and would not be told, or would change what must stay. */
function foreignTriggerRefusals({ schema, jobs }: Place, { allowTriggers }: HotmeshSettings): readonly Refusal[] {
  return (jobs?.foreignTriggers ?? [])
    .filter((name) => !allowTriggers.includes(name))
    .map((name) => ({
      detail: 'prune.trigger',
      reason: `${name} on ${schema}.jobs is no trigger of HotMesh, and pruning changes each job`,
      remediation: [`Add ${name} to \`allowTriggers\` of hotmesh once it is clear what it does.`],
    }));
}

/**
 * Jobs that can be marked although the triggers of HotMesh fire. One trigger notices that a job has expired, after which
 * HotMesh exports it no more; another refuses every change of a job whose key has a twin.
 */
function withoutTrace({ schema }: Place, { expiredJobs }: HotmeshSettings): Fragment {
  const jobs = ident(schema, 'jobs');
  const isExpired = fragment`expired_at <= now()`;
  const isUnnoticed = expiredJobs === 'mark' ? fragment`true` : fragment`(${isExpired} AND is_live) IS NOT TRUE`;
  return fragment`(${isUnnoticed}) AND (${isExpired} OR NOT EXISTS (
    SELECT FROM (SELECT key AS twin_key, id AS twin_id FROM ${jobs} WHERE is_live) twin
     WHERE twin_key = key AND twin_id <> id))`;
}
