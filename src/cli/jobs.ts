import { bootId, isProcessAlive } from '../adapters/host.ts';
import type { World } from '../base/world.ts';
import { tasksOfTier, type Config, type ConfiguredTask } from '../config/config.ts';
import type { Cadence } from '../engine/cadence.ts';
import type { Journal } from '../engine/journal.ts';
import type { LedgerEntry } from '../engine/ledger.ts';
import { TIERS, type Tier } from '../engine/task.ts';
import { cadenceOf, readOwnSchedule } from '../schedule/own-schedule.ts';
import { standingOf, type CatchUpPolicy, type JobStanding } from '../schedule/standing.ts';

/** Something that is due again and again. */
export interface Job {
  /** Of the tier, of the task with a schedule of its own, or of a command under `maint exec`. */
  readonly name: string;
  /** What maint runs for it; undefined for a command, which somebody else starts. */
  readonly select: { readonly tier: Tier } | { readonly tasks: readonly string[] } | undefined;
  /** As the configuration has it. */
  readonly schedule: string;
  readonly cadence: Cadence;
  /** How late it may begin before its slot counts as missed. */
  readonly graceMs: number;
  /** Names of the tasks it runs, in running order; empty for a tier that has nothing to do, and for a command. */
  readonly tasks: readonly string[];
}

/** Names that no command can have, for the ledger knows a job by its name alone. */
export const RESERVED_JOBS: readonly string[] = [...TIERS, 'tick'];

/** Has it something to do at all? */
export function isBusy({ select, tasks }: Job): boolean {
  return select === undefined || tasks.length > 0;
}

/** The four tiers, each task with a schedule of its own, and each command whose schedule is known. */
export function jobsOf(config: Config): readonly Job[] {
  const { schedule, timezone, tasks, graceMs } = config;
  const tiers = TIERS.map((tier) => ({
    name: tier,
    select: { tier },
    schedule: schedule[tier],
    cadence: { kind: 'cron' as const, expression: schedule[tier], timezone },
    graceMs,
    tasks: tasksOfTier(config, tier).map(({ task }) => task.name),
  }));
  const own = tasks.flatMap((each): readonly Job[] => {
    const { name } = each.task;
    const text = each.enabled ? (each.schedule ?? besides(each, config)) : undefined;
    return text === undefined ? [] : [{ ...timed(name, text, config), select: { tasks: [name] }, tasks: [name] }];
  });
  const commands = config.jobs.flatMap(({ name, schedule: text }): readonly Job[] =>
    text === undefined ? [] : [{ ...timed(name, text, config), select: undefined, tasks: [] }],
  );
  return [...tiers, ...own, ...commands];
}

/** When the settings of a task ask for it besides its tier. */
function besides({ task, tier, settings }: ConfiguredTask, { schedule }: Config): string | undefined {
  const text = task.ownSchedule?.(settings);
  return text === schedule[tier] ? undefined : text;
}

function timed(
  name: string,
  text: string,
  { project, timezone, graceMs }: Config,
): Pick<Job, 'name' | 'schedule' | 'cadence' | 'graceMs'> {
  const read = readOwnSchedule(text);
  // The configuration was checked when it was read.
  if ('fault' in read) throw new Error(`the schedule of ${name} was not checked: ${read.fault}`);
  const cadence = cadenceOf(read.schedule, { timezone, seed: `${project}/${name}` });
  return { name, schedule: text, cadence, graceMs };
}

/** How missed slots are made up for; undefined for what somebody else starts. */
export function policyOf({ select }: Job, { catchUp }: Config): CatchUpPolicy | undefined {
  return select === undefined ? undefined : catchUp;
}

/** More than a month of a job that runs each hour. */
const LOOKED_AT = 1_000;

/** The entries of a job, newest first; what began on this host and whose process is gone is `killed`. */
export function entriesOf(journal: Journal, job: string, world: World): readonly LedgerEntry[] {
  return journal.ledger
    .entries(job, LOOKED_AT)
    .map((entry) => (isDead(entry, world) ? { ...entry, status: 'killed' as const } : entry));
}

/** Did it begin on this host, and is its process gone without having written its end? */
export function isDead({ status, host, bootId: boot, pid }: LedgerEntry, { hostname }: World): boolean {
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
    { cadence: job.cadence, entries: entriesOf(journal, job.name, world), knownSince, graceMs: job.graceMs },
    policy,
    world.now(),
  );
}
