import type { HotmeshRule } from './settings.ts';

/** What a rule can mean. Every other combination of its words is a mistake. */
export type Kind = 'streams' | 'transient-jobs' | 'entity-jobs' | 'pruned-jobs' | 'escalations';

/** What is wrong with a rule, and with which of its words. */
interface Fault {
  readonly path: string[];
  readonly message: string;
}

/** @returns why a rule means nothing; undefined where it means something */
export function faultOf(rule: HotmeshRule): Fault | undefined {
  const { target, action, hasEntity, pruned, statuses } = rule;
  if (target !== 'escalations' && statuses !== undefined)
    return { path: ['statuses'], message: `says nothing about ${target}: only escalations have statuses` };
  if (target !== 'jobs') {
    const stray = hasEntity !== undefined ? 'hasEntity' : pruned !== undefined ? 'pruned' : undefined;
    if (stray !== undefined) return { path: [stray], message: `says nothing about ${target}: only jobs have it` };
    if (action === 'prune') return { path: ['action'], message: `${target} cannot be pruned, only jobs can: delete` };
    return undefined;
  }
  if (pruned === false) return { path: ['pruned'], message: 'can only be true; leave it out' };
  return action === 'prune' ? faultOfPruning(rule) : faultOfDeleting(rule);
}

function faultOfPruning({ hasEntity, pruned }: HotmeshRule): Fault | undefined {
  if (pruned === true) return { path: ['pruned'], message: 'no job is pruned twice; leave it out' };
  if (hasEntity === true) return undefined;
  return {
    path: ['hasEntity'],
    message: 'only jobs with an entity are pruned: write hasEntity: true, or action: delete for those without one',
  };
}

function faultOfDeleting({ hasEntity, pruned }: HotmeshRule): Fault | undefined {
  if (pruned === true || hasEntity === false) return undefined;
  return hasEntity === true
    ? { path: ['hasEntity'], message: 'jobs with an entity are deleted only after they were pruned: add pruned: true' }
    : { path: ['action'], message: 'delete which jobs? add hasEntity: false, or pruned: true' };
}

/** What a rule without a fault means. */
export function kindOf({ target, action, pruned }: HotmeshRule): Kind {
  if (target !== 'jobs') return target;
  if (action === 'prune') return 'entity-jobs';
  return pruned === true ? 'pruned-jobs' : 'transient-jobs';
}

/** What `--rule` and reports call a rule, such as `hotmesh-streams`. Two rules for the same rows have one name. */
export function nameOf(rule: HotmeshRule): string {
  const kind = kindOf(rule);
  const { hasEntity, statuses } = rule;
  const which = kind === 'pruned-jobs' && hasEntity !== undefined ? [hasEntity ? 'with-entity' : 'without-entity'] : [];
  return ['hotmesh', kind, ...which, ...(statuses?.toSorted() ?? [])].join('-');
}
