import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../engine/journal.ts';
import type { Self } from '../engine/self.ts';
import { jobsOf, standingIn } from './jobs.ts';

interface Sources {
  readonly config: Config;
  readonly journal: Journal;
  readonly stateDirectory: string;
  readonly world: World;
  /** The job at work: how it ends this time is not known yet, and how it ended before was told then. */
  readonly underWay: string | undefined;
}

/** How many of the last runs say whether one failure was a single one. */
const LOOKED_AT = 2;

/** What a run can know of maint itself: where it remembers, and what became of its jobs. */
export function selfOf({ config, journal, stateDirectory, world, underWay }: Sources): Self {
  return {
    stateDirectory,
    notices: journal.notices,
    isDurable: journal.isDurable,
    jobs: () =>
      jobsOf(config)
        .filter(({ tasks }) => tasks.length > 0)
        .map((job) => {
          const { missed, skipped } = standingIn(journal, { job, policy: undefined }, world);
          const ended = journal.ledger.entries(job.name, LOOKED_AT * 2).filter(({ status }) => ENDED.has(status));
          return {
            job: job.name,
            missed: missed.map((slot) => slot.toISOString()),
            skipped: skipped.map(({ slot, reason }) => ({ slot: slot.toISOString(), reason })),
            ends: job.name === underWay ? [] : ended.slice(0, LOOKED_AT).map(({ status }) => status),
          };
        }),
  };
}

const ENDED: ReadonlySet<string> = new Set(['ok', 'warn', 'failed', 'late', 'killed']);
