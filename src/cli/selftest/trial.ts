import { clientPrograms } from '../../adapters/client-programs.ts';
import { libpqEnvironment, parseConnection, type Connection } from '../../adapters/connection.ts';
import { openSession, type Session } from '../../adapters/postgres.ts';
import type { Log } from '../../base/log.ts';
import { Secret } from '../../base/secret.ts';
import type { World } from '../../base/world.ts';
import type { StepReport } from '../../engine/report.ts';
import { runTasks, type RunObserver } from '../../engine/run.ts';
import { tasks } from '../../tasks/index.ts';

/** One run of a task in a place of its own. */
export interface Trial {
  readonly task: 'backup' | 'verify-backup';
  /** As a person would write them. */
  readonly settings: object;
  readonly directory: string;
  readonly label: string;
  /** Undefined where the task has to do without. */
  readonly connection?: Connection | undefined;
  /** Searched for programs before everything else. */
  readonly programs: readonly string[];
  readonly recipients?: readonly string[];
  readonly identity?: Secret | undefined;
  /** So far the clock is ahead. */
  readonly laterMs?: number;
}

const DEADLINE_MS = 10 * 60_000;
const LIMITS = { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 };

/** Runs a task as every run does, and answers with what its steps say. Never throws for what the task does. */
export async function tryTask(trial: Trial, world: World, signal: AbortSignal): Promise<readonly StepReport[]> {
  const { directory, label, connection, programs, recipients = [], identity, laterMs = 0 } = trial;
  const task = tasks.find(({ name }) => name === trial.task);
  if (task === undefined) throw new Error(`there is no task ${trial.task}`);
  await using reader = sessionTo(connection, 'read-only');
  await using writer = sessionTo(connection, 'read-write');
  const reports = await runTasks({
    tasks: [{ task, settings: await task.settings.parseAsync(trial.settings), deadlineMs: DEADLINE_MS }],
    dryRun: false,
    signal,
    log: SILENT,
    project: label,
    backups: { directory, copies: [], recipients, identity, fileSets: [] },
    timezone: 'UTC',
    reader,
    writer,
    clients: clientPrograms(programs, world.env['PATH'], connection === undefined ? {} : libpqEnvironment(connection)),
    history: { samples: () => [] },
    observer: NOBODY,
    now: () => new Date(world.now().getTime() + laterMs),
    monotonicMs: () => world.monotonicMs(),
  });
  signal.throwIfAborted();
  return reports.flatMap(({ steps }) => steps);
}

/** Every name that the bad ends of some steps gave to what they found; a bad end without a name is told, too. */
export function alarmsOf(steps: readonly StepReport[]): readonly string[] {
  const bad = steps.filter(({ verdict }) => verdict === 'fail' || verdict === 'crash' || verdict === 'warn');
  return [...new Set(bad.flatMap(namesOf))];
}

function namesOf(step: StepReport): readonly string[] {
  const { detail, code, verdict } = step;
  const names = [...[detail, code].filter((name) => name !== null), ...findingsOf(step)];
  return names.length === 0 ? [`a ${verdict} without a name`] : names;
}

function findingsOf({ facts }: StepReport): readonly string[] {
  const findings = facts['findings'];
  if (!Array.isArray(findings)) return [];
  return findings.flatMap((each) => {
    const detail = typeof each === 'object' && each !== null && 'detail' in each ? each['detail'] : undefined;
    return typeof detail === 'string' ? [detail] : [];
  });
}

/** A task that has to do without a database finds that nobody answers. */
const NOWHERE = parseConnection(new Secret('postgres://nobody@/nothing?host=/nonexistent'));

/** Connects at its first use. */
function sessionTo(connection: Connection | undefined, mode: 'read-only' | 'read-write'): Session {
  return openSession({ connection: connection ?? NOWHERE, mode, limits: LIMITS, applicationName: 'maint/selftest' });
}

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

const NOBODY: RunObserver = {
  stepStarted: () => undefined,
  progressed: () => undefined,
  stepEnded: () => undefined,
};
