import { http } from '../adapters/http.ts';
import { wait } from '../adapters/wait.ts';
import { newSwitchRecord, ping, type SwitchRecord } from '../alerts/dead-man/listen.ts';
import type { RunEnd } from '../alerts/dead-man/ping.ts';
import type { DeadManSwitch } from '../alerts/dead-man/settings.ts';
import type { Log } from '../base/log.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../engine/journal.ts';
import { TIERS } from '../engine/task.ts';

/** What pinging needs. */
interface Pinging {
  readonly config: Config;
  readonly world: World;
  readonly journal: Journal;
  readonly log: Log;
  /** The job that the run is of; undefined where it is none that the configuration knows. */
  readonly job?: string | undefined;
}

/** However slow the switches are, a run ends. */
const LIMIT_MS = 90_000;

/**
 * Tells every dead man's switch of this job that a run begins or has ended, all at the same time. What one does not take
 * is a warning, said once for as long as it stays the same, and never changes what becomes of the run.
 */
export async function pingSwitches(
  run: string,
  end: Omit<RunEnd, 'bodyLimitBytes'> | undefined,
  pinging: Pinging,
): Promise<void> {
  const { config, world, journal, log, job } = pinging;
  const records = switchRecords(journal);
  const signal = AbortSignal.timeout(LIMIT_MS);
  await Promise.all(
    listenersOf(config, job).map(async ({ id, listener }) => {
      const record = records.of(id);
      const pinged = await ping({ listener, record, run, end, http, wait, signal, now: () => world.now() });
      records.save(pinged.record);
      if (pinged.error === null) return;
      const words = "the dead man's switch did not take the ping";
      if (pinged.isKnown) log.debug({ switch: id, error: pinged.error }, words);
      else log.warn({ switch: id, error: pinged.error }, words);
    }),
  );
}

/** A switch, and the name of what is known of it. */
interface Listener {
  readonly id: string;
  readonly listener: DeadManSwitch;
}

/** The switches that listen to a job: those that name it, and for a scheduled round those that name none. */
function listenersOf({ heartbeatUrl: url, deadMan }: Config, job: string | undefined): readonly Listener[] {
  const simple = { type: 'healthchecks', url, base: '', create: false, log: false } as const;
  const named = deadMan.map((listener, index) => ({ id: `${index + 1}-${listener.type}`, listener }));
  return [
    ...(url === undefined || job === TICK ? [] : [{ id: 'heartbeat', listener: simple }]),
    ...named.filter(({ listener }) =>
      listener.jobs === undefined ? TIERS.some((tier) => tier === job) : listener.jobs.some((name) => name === job),
    ),
  ];
}

/** The job that looks every few minutes; too often for a check that waits for a daily round. */
const TICK = 'tick';

/** What is known of each switch, kept in the journal. */
function switchRecords(journal: Journal) {
  const shelf = journal.shelf('dead-man');
  return {
    of: (id: string): SwitchRecord =>
      shelf
        .all()
        .map(readRecord)
        .find((record) => record.id === id) ?? newSwitchRecord(id),
    save: (record: SwitchRecord): void => shelf.put(record.id, JSON.stringify(record)),
  };
}

/** The journal gives back what this program wrote. */
function readRecord(body: string): SwitchRecord {
  return JSON.parse(body);
}
