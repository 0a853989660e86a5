import { libpqEnvironment, type Connection } from '../../src/adapters/connection.ts';
import { clientPrograms, type ClientPrograms } from '../../src/adapters/client-programs.ts';
import type { Database } from '../../src/adapters/postgres.ts';
import type { Log } from '../../src/base/log.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import type { Memory } from '../../src/engine/memory.ts';
import type { SampleHistory } from '../../src/engine/sample.ts';
import type { Progress, Step, Task } from '../../src/engine/task.ts';
import type { BackupPlaces } from '../../src/engine/backup-places.ts';
import { placesAt } from './backup-places.ts';
import { silentLog } from './log.ts';

/** What a test hands to a task instead of the engine. Only `database` has no default. */
export interface Around {
  readonly database: Database;
  /** Gives the client programs their login; needed by tasks that call them. */
  readonly connection?: Connection;
  readonly clients?: ClientPrograms;
  readonly project?: string;
  /** Where backups lie when the settings name no place; must be given where they do not. */
  readonly backups?: Partial<BackupPlaces>;
  readonly signal?: AbortSignal;
  readonly now?: () => Date;
  readonly history?: SampleHistory;
  readonly memory?: Memory;
  readonly log?: Log;
  readonly onProgress?: (progress: Progress) => void;
}

/** Plans a task with settings as a person would write them: they go through its schema first. */
export async function planTask<Settings>(
  task: Task<Settings>,
  settings: unknown,
  around: Around,
): Promise<readonly Step[]> {
  return task.plan({
    ...surroundings(around),
    settings: await task.settings.parseAsync(settings),
    database: around.database,
    memory: around.memory,
  });
}

/** Performs steps one after the other; an error ends it, as with a task whose `onFailure` is `stop`. */
export async function performSteps(steps: readonly Step[], around: Around): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    outcomes.push(
      await step.perform({
        ...surroundings(around),
        database: around.database,
        memory: around.memory,
        progress: around.onProgress ?? (() => undefined),
      }),
    );
  }
  return outcomes;
}

/** Plans and performs: the outcomes in the order of the steps. */
export async function runTask<Settings>(
  task: Task<Settings>,
  settings: unknown,
  around: Around,
): Promise<readonly Outcome[]> {
  return performSteps(await planTask(task, settings, around), around);
}

/** A database whose every use fails: for tasks that promise not to touch it. */
export const noDatabase: Database = {
  name: 'no database',
  server: () => Promise.reject(new Error('the database was touched')),
  rows: () => Promise.reject(new Error('the database was touched')),
  run: () => Promise.reject(new Error('the database was touched')),
  transaction: () => Promise.reject(new Error('the database was touched')),
  command: () => Promise.reject(new Error('the database was touched')),
  snapshot: () => Promise.reject(new Error('the database was touched')),
};

function surroundings(around: Around): {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly clients: ClientPrograms;
  readonly history: SampleHistory;
  readonly project: string;
  readonly backups: BackupPlaces;
  readonly timezone: string;
} {
  const environment = around.connection === undefined ? {} : libpqEnvironment(around.connection);
  return {
    log: around.log ?? silentLog,
    signal: around.signal ?? new AbortController().signal,
    now: around.now ?? (() => new Date()),
    clients: around.clients ?? clientPrograms([], process.env['PATH'], environment),
    history: around.history ?? { samples: () => [] },
    project: around.project ?? 'app',
    backups: { ...placesAt('/nonexistent/maint'), ...around.backups },
    timezone: 'UTC',
  };
}
