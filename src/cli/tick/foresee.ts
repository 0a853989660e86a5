import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import type { Journal } from '../../engine/journal.ts';
import { isBusy, jobsOf, policyOf, standingIn } from '../jobs.ts';

/** What a tick would do about each job, one line each, without touching anything. */
export function foresee(config: Config, journal: Journal, world: World): string {
  const lines = jobsOf(config)
    .filter(isBusy)
    .flatMap((job) => {
      const { due, givenUp, next } = standingIn(journal, { job, policy: policyOf(job, config) }, world);
      return [
        ...givenUp.map((slot) => `would give up ${job.name} of ${slot.toISOString()}`),
        ...due.map((slot) => `would run ${job.name} of ${slot.toISOString()}`),
        ...(due.length + givenUp.length > 0 || next === undefined
          ? []
          : [`${job.name} comes next at ${next.toISOString()}`]),
      ];
    });
  return `${['would look at health, deliver what waits, and then:', ...lines, 'nothing was touched'].join('\n')}\n`;
}
