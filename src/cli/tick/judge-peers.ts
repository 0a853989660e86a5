import type { Session } from '../../adapters/postgres.ts';
import { MaintError } from '../../base/errors.ts';
import { formatDuration, plural } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import type { Ending } from '../../engine/endings.ts';
import { beat, type Peer } from '../../engine/peers.ts';
import type { TaskReport } from '../../engine/report.ts';
import { ownTask } from '../own-task.ts';

/** A host that was not heard of for three ticks has stopped. */
const SILENT_MS = 3 * 5 * 60_000;

/**
 * Says that this host is there, and judges the others of the project: who watches the watchman is another watchman.
 * @returns nothing where the database keeps no such table; then nothing is known of them, good or bad
 */
export async function judgePeers(
  { coordination, project }: { readonly coordination: Session | undefined; readonly project: string },
  world: World,
): Promise<readonly TaskReport[]> {
  if (coordination === undefined) return [];
  try {
    if ((await coordination.server()).isStandby) return [];
    const peers = await beat({ database: coordination, project, host: world.hostname });
    const steps = peers.map((peer) => ({ title: `host ${peer.host}`, ending: endingOf(peer) }));
    return [ownTask({ task: 'peers', planned: true, steps }, world)];
  } catch (error) {
    // That the database does not answer is for health to say, and rights are for doctor.
    if (error instanceof MaintError) return [];
    throw error;
  }
}

function endingOf({ host, silentMs }: Peer): Ending {
  const facts = { silentMs };
  if (silentMs <= SILENT_MS) return { verdict: 'done', summary: `heard of ${formatDuration(silentMs)} ago`, facts };
  const ticks = Math.floor(silentMs / (5 * 60_000));
  return {
    verdict: 'fail',
    summary: `not heard of for ${formatDuration(silentMs)}, which is ${plural(ticks, 'tick')}`,
    facts,
    detail: 'schedule.peer_silent',
    remediation: [
      `Is ${host} up, does cron run there, and does it reach the database? On it: maint tick; maint doctor`,
      `A host that is gone for good is forgotten after 7 days, or at once: DELETE FROM maint.heartbeat WHERE host = '${host.replaceAll("'", "''")}';`,
    ],
  };
}
