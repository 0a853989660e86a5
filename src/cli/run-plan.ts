import { randomUUID } from 'node:crypto';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { currentSlot } from '../engine/cadence.ts';
import { parseFaults } from '../engine/fault.ts';
import { requireTime } from './cron-times.ts';
import { jobsOf, type Job } from './jobs.ts';
import type { JobSlot } from './ledger-line.ts';
import type { RunInvocation } from './invocation.ts';
import type { Plan } from './reporting.ts';
import { stateDirectory } from './state-directory.ts';

/** Everything of a run that is decided before it begins. */
export function planOf(asked: Pick<Plan, 'invocation' | 'config' | 'selected'>, world: World): Plan {
  const { invocation, config } = asked;
  return {
    ...asked,
    run: randomUUID(),
    startedAt: world.now(),
    startedMs: world.monotonicMs(),
    stateDirectory: stateDirectory(world, invocation.common, config),
    job: jobSlotOf(invocation, config, world.now()),
    faults: parseFaults(world.env['MAINT_FAULT']),
  };
}

/** Which job this run is of, and which slot. A part of a round by hand is no run of its job. */
function jobSlotOf(invocation: RunInvocation, config: Config, now: Date): JobSlot | undefined {
  const { only, skip, cron, scheduled, dryRun } = invocation;
  const job = jobsOf(config).find((each) => isSame(each, invocation));
  const isPart = only.length + skip.length > 0;
  if (job === undefined || dryRun || (isPart && !cron)) return undefined;
  if (scheduled !== undefined) return { job: job.name, ...scheduled };
  const isAuto = cron || invocation.slot === 'auto';
  const slot = isAuto ? currentSlot(job.cadence, now) : namedSlot(invocation, config);
  return { job: job.name, slot, isCatchUp: false };
}

function namedSlot({ slot }: RunInvocation, { timezone }: Config): Date | undefined {
  return slot === undefined ? undefined : requireTime(slot, timezone, '--slot');
}

function isSame(job: Job, { select }: RunInvocation): boolean {
  if (job.select === undefined) return false;
  if ('tier' in select) return 'tier' in job.select && job.select.tier === select.tier;
  return 'tasks' in job.select && select.tasks.length === 1 && job.name === select.tasks[0];
}
