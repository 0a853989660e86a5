import { randomUUID } from 'node:crypto';
import { describeConnection } from '../adapters/connection.ts';
import { bootId } from '../adapters/host.ts';
import type { PlannedRestore, Restored } from '../backups/restore-database.ts';
import { MaintError } from '../base/errors.ts';
import type { StopSignal, World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../engine/journal.ts';
import type { StepReport } from '../engine/report.ts';

/** One restore, as the journal remembers it: `maint history` shows it, a killed one too. */
export interface JournalledRestore {
  /** Id of the run. */
  readonly run: string;
  finished(restored: Restored): void;
  /** Something kept it from being found out, or a signal came. */
  failed(error: unknown, stoppedBy: StopSignal | null): void;
}

interface Journalling {
  readonly journal: Journal;
  readonly config: Config;
  readonly world: World;
  readonly plan: PlannedRestore;
}

/** Writes down that a restore begins. */
export function journalRestore({ journal, config, world, plan }: Journalling): JournalledRestore {
  const run = randomUUID();
  const startedMs = world.monotonicMs();
  const startedAt = world.now().toISOString();
  const shared = { run, command: 'restore', host: world.hostname, startedAt };
  journal.begin({ ...shared, tier: null, slot: null, pid: world.process.pid, bootId: bootId() });
  const finish = (step: Ended, stoppedBy: StopSignal | null): void => {
    const durationMs = world.monotonicMs() - startedMs;
    const title = `${plan.manifest.id} into ${plan.name}`;
    const facts = { backup: plan.manifest.id, copy: plan.entry.store.name, database: plan.name };
    const steps = [{ title, ...EMPTY, ...step, facts: { ...facts, ...step.facts }, startedAt, durationMs }];
    journal.finish({
      ...shared,
      format: 1,
      maint: world.version,
      project: config.project,
      database: describeConnection({ ...plan.connection, database: plan.name }),
      config: config.file,
      assumptions: [],
      notices: [],
      slot: null,
      dryRun: false,
      finishedAt: world.now().toISOString(),
      durationMs,
      verdict: step.verdict,
      stoppedBy,
      tasks: [{ task: 'restore', verdict: step.verdict, durationMs, planned: true, steps }],
      alerts: null,
    });
  };
  return {
    run,
    finished: ({ findings, loadSeconds, indexSeconds }) => {
      const [first] = findings;
      if (first === undefined)
        finish({ verdict: 'done', summary: 'all as backed up', facts: { loadSeconds, indexSeconds } }, null);
      else finish({ verdict: 'fail', summary: first.message, detail: first.detail }, null);
    },
    failed: (error, stoppedBy) => {
      const isKnown = error instanceof MaintError;
      const summary = stoppedBy === null ? messageOf(error) : `stopped by ${stoppedBy}`;
      finish({ verdict: 'crash', summary, code: isKnown ? error.code : 'BUG' }, stoppedBy);
    },
  };
}

type Ended = Pick<StepReport, 'verdict' | 'summary'> & Partial<Pick<StepReport, 'facts' | 'code' | 'detail'>>;

const EMPTY = { facts: {}, remediation: [], concern: null, code: null, detail: null, intent: [], samples: [] } as const;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
