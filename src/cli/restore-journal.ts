import { randomUUID } from 'node:crypto';
import { bootId } from '../adapters/host.ts';
import type { RestoreFinding } from '../backups/restore-checks.ts';
import { MaintError } from '../base/errors.ts';
import type { StopSignal, World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../engine/journal.ts';
import type { StepReport } from '../engine/report.ts';

/** One restore, as the journal remembers it: `maint history` shows it, a killed one too. */
export interface JournalledRestore {
  /** Id of the run. */
  readonly run: string;
  finished(findings: readonly RestoreFinding[], facts: StepReport['facts']): void;
  /** Something kept it from being found out, or a signal came. */
  failed(error: unknown, stoppedBy: StopSignal | null): void;
}

interface Journalling {
  readonly journal: Journal;
  readonly config: Config;
  readonly world: World;
  /** What goes where. */
  readonly title: string;
  /** As `Report.database`. */
  readonly database: string | null;
  readonly facts: StepReport['facts'];
}

/** Writes down that a restore begins. */
export function journalRestore({ journal, config, world, title, database, facts }: Journalling): JournalledRestore {
  const run = randomUUID();
  const startedMs = world.monotonicMs();
  const startedAt = world.now().toISOString();
  const shared = { run, command: 'restore', host: world.hostname, startedAt };
  journal.begin({ ...shared, tier: null, slot: null, pid: world.process.pid, bootId: bootId() });
  const finish = (step: Ended, stoppedBy: StopSignal | null): void => {
    const durationMs = world.monotonicMs() - startedMs;
    const steps = [{ title, ...EMPTY, ...step, facts: { ...facts, ...step.facts }, startedAt, durationMs }];
    journal.finish({
      ...shared,
      format: 1,
      maint: world.version,
      project: config.project,
      database,
      config: config.file,
      assumptions: [],
      notices: [],
      slot: null,
      fence: null,
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
    finished: ([first], measured) => {
      if (first === undefined) finish({ verdict: 'done', summary: 'all as backed up', facts: measured }, null);
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
