import { bootId, isProcessAlive } from '../adapters/host.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Cadence } from '../engine/cadence.ts';
import type { Journal } from '../engine/journal.ts';
import type { LedgerEntry } from '../engine/ledger.ts';
import { TIERS, type Tier } from '../engine/task.ts';
import { standingOf, type CatchUpPolicy, type JobStanding } from '../schedule/standing.ts';

/** Something that is due again and again. */
export interface Job {
  /** Of the tier, or of the task with a schedule of its own. */
  readonly name: string;
  readonly select: { readonly tier: Tier } | { readonly tasks: readonly string[] };
  /** As the configuration has it. */
  readonly schedule: string;
  readonly cadence: Cadence;
  /** Names of the tasks it runs, in running order; empty for a tier that has nothing to do. */
  readonly tasks: readonly string[];
}

/** The four tiers, then each task with a schedule of its own. */
export function jobsOf(config: Config): readonly Job[] {
  const { schedule, timezone, tasks } = config;
  const tiers = TIERS.map((tier) => ({
    name: tier,
    select: { tier },
    schedule: schedule[tier],
    cadence: { kind: 'cron' as const, expression: schedule[tier], timezone },
    tasks: tasks.filter((each) => each.enabled && each.tier === tier).map(({ task }) => task.name),
  }));
  const own = tasks.flatMap(({ task, enabled, tier, settings }): readonly Job[] => {
    const expression = enabled ? task.ownSchedule?.(settings) : undefined;
    if (expression === undefined || expression === schedule[tier]) return [];
    const cadence = { kind: 'cron' as const, expression, timezone };
    return [{ name: task.name, select: { tasks: [task.name] }, schedule: expression, cadence, tasks: [task.name] }];
  });
  return [...tiers, ...own];
}

/** More than a month of a job that runs each hour. */
const LOOKED_AT = 1_000;

/** The entries of a job, newest first; what began on this host and whose process is gone is `killed`. */
function entriesOf(journal: Journal, job: string, world: World): readonly LedgerEntry[] {
  return journal.ledger
    .entries(job, LOOKED_AT)
    .map((entry) => (isDead(entry, world) ? { ...entry, status: 'killed' as const } : entry));
}

/** Did it begin on this host, and is its process gone without having written its end? */
function isDead({ status, host, bootId: boot, pid }: LedgerEntry, { hostname }: World): boolean {
  return status === 'running' && host === hostname && !(boot === bootId() && isProcessAlive(pid));
}

/** Where a job stands, by the ledger. */
export function standingIn(
  journal: Journal,
  { job, policy }: { readonly job: Job; readonly policy: CatchUpPolicy | undefined },
  world: World,
): JobStanding {
  const known = journal.ledger.known().find((each) => each.job === job.name);
  const knownSince = known === undefined ? undefined : new Date(known.since);
  return standingOf(
    { cadence: job.cadence, entries: entriesOf(journal, job.name, world), knownSince },
    policy,
    world.now(),
  );
}
