import { tmpdir } from 'node:os';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { parseFaults } from '../../src/engine/fault.ts';
import type { StepReport } from '../../src/engine/report.ts';
import { runTasks } from '../../src/engine/run.ts';
import type { SampleHistory } from '../../src/engine/sample.ts';
import { health } from '../../src/tasks/health.ts';
import { LIMITS } from './database.ts';
import { silentLog } from './log.ts';
import { placesAt } from './backup-places.ts';

/** What a test may bring instead of the defaults. */
interface HealthRun {
  readonly settings?: object;
  readonly history?: SampleHistory;
  readonly signal?: AbortSignal;
  /** As MAINT_FAULT has them. */
  readonly faults?: string;
}

/** Runs the health task through the real engine. @returns its steps by title */
export async function runHealth(url: string, brought: HealthRun = {}): Promise<Readonly<Record<string, StepReport>>> {
  const connection = parseConnection(new Secret(url));
  await using reader = openSession({
    connection,
    mode: 'read-only',
    limits: LIMITS,
    applicationName: 'maint/health',
  });
  const [task] = await runTasks({
    tasks: [{ task: health, settings: await health.settings.parseAsync(brought.settings ?? {}), deadlineMs: 60_000 }],
    dryRun: false,
    signal: brought.signal ?? new AbortController().signal,
    log: silentLog,
    project: 'test',
    backups: placesAt(tmpdir()),
    timezone: 'UTC',
    reader,
    writer: reader,
    clients: clientPrograms([], undefined, {}),
    history: brought.history ?? { samples: () => [] },
    faults: parseFaults(brought.faults),
    observer: { stepStarted: () => undefined, progressed: () => undefined, stepEnded: () => undefined },
    now: () => new Date(),
    monotonicMs: () => performance.now(),
  });
  return Object.fromEntries((task?.steps ?? []).map((step) => [step.title, step]));
}
