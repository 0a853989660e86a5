import { takeHostLock } from '../adapters/host-lock.ts';
import { makePrivateDirectory } from '../adapters/directories.ts';
import { http } from '../adapters/http.ts';
import { mail } from '../adapters/mail.ts';
import { wait } from '../adapters/wait.ts';
import { announce } from '../alerts/announce.ts';
import { dueForCanary } from '../alerts/canary.ts';
import { afterDelivery, afterTest, recordOf } from '../alerts/channel-record.ts';
import { secretsOf as channelSecrets } from '../alerts/channels/settings.ts';
import { deliver, type Delivery } from '../alerts/deliver.ts';
import { testMessage } from '../alerts/message.ts';
import { redactor } from '../alerts/redact.ts';
import { MaintError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../engine/journal.ts';
import type { AlertReport, RunReport } from '../engine/report.ts';
import { carryOf } from './carried.ts';
import { pingSwitches } from './dead-man.ts';
import { journalAlertStore, journalChannelRecords } from './alert-store.ts';

/** What telling others of a run needs. */
export interface Telling {
  readonly config: Config;
  readonly world: World;
  readonly journal: Journal;
  readonly log: Log;
  /** The job that the run is of; undefined where it is none that the configuration knows. */
  readonly job?: string | undefined;
  /** A folder whose lock keeps two runs from deciding about alerts at the same time. */
  readonly lockDirectory: string;
}

/** However slow the channels are, a run ends: all its alerts together get this long. */
const LIMIT_MS = 180_000;
const LOCK_WAIT_MS = 500;
const LOCK_TRIES = 60;

/**
 * Tells the channels what a run found. Runs that only read take no lock, so two may come here at once; they take turns,
 * for both read and write the alert states.
 */
export async function tellChannels(report: RunReport, telling: Telling): Promise<AlertReport> {
  const { config, world, journal, lockDirectory } = telling;
  const signal = AbortSignal.timeout(LIMIT_MS);
  using lock = await lockAlerts(lockDirectory, signal);
  telling.log.debug({ locked: lock !== undefined }, 'alerts decided');
  const tried =
    report.slot === null && report.command !== 'tick' ? [] : await sendCanaries(report.run, telling, signal);
  return announce({
    tried,
    report,
    settings: config.alerts,
    owners: config.owners,
    store: journalAlertStore(journal),
    // Whoever reads a message sits somewhere else, so a file that was found beside the run has to be named too.
    carry: carryOf(config.file ?? undefined),
    secrets: secretsOf(config),
    http,
    mail,
    wait,
    signal,
    now: () => world.now(),
    watch: watchChannels(telling),
  });
}

/** Writes down what each delivery says about its channel. */
function watchChannels({ journal, world }: Telling): (delivery: Delivery) => void {
  const records = journalChannelRecords(journal);
  return (delivery) => {
    const record = recordOf(records.load(), delivery.channel);
    records.save(afterDelivery(record, delivery, world.now()));
  };
}

/**
 * Sends a quiet test through each channel that none went through for too long, in the hours in which people are there.
 * @returns what became of them
 */
async function sendCanaries(run: string, telling: Telling, signal: AbortSignal): Promise<readonly Delivery[]> {
  const { config, world, journal } = telling;
  const records = journalChannelRecords(journal);
  const now = world.now();
  const test = { phase: 'trigger', isCanary: true } as const;
  const deliveries = await deliver({
    message: testMessage({ run, project: config.project, host: world.hostname, now, test }),
    channels: dueForCanary(config.alerts, records.load(), now),
    http,
    mail,
    wait,
    signal,
    timeoutMs: config.alerts.timeout,
    now: () => world.now(),
  });
  for (const delivery of deliveries) {
    const { channel, delivered, error } = delivery;
    records.save(afterTest(recordOf(records.load(), channel), [delivery], { at: now }));
    if (!delivered) telling.log.warn({ channel, error }, 'the regular test of a channel failed');
  }
  return deliveries;
}

/** Tells the dead man's switches that a run begins. A ping that fails never stops a run. */
export async function tellStart(run: string, telling: Telling): Promise<void> {
  await pingSwitches(run, undefined, telling);
}

/** How a run ended, for those that keep logs. */
interface Ended {
  /** One line about it. */
  readonly summary: string;
  /** The whole report as text. */
  readonly log: string;
}

/** Tells the dead man's switches how a run ended, once its alerts were delivered: silence is what they listen for. */
export async function tellEnd(run: string, exitCode: number, telling: Telling, ended?: Ended): Promise<void> {
  const redact = redactor([...secretsOf(telling.config), ...telling.config.alerts.channels.flatMap(channelSecrets)]);
  const { summary = `exit code ${exitCode}`, log = '' } = ended ?? {};
  await pingSwitches(run, { exitCode, summary: redact(summary), log: redact(log) }, telling);
}

/** Keeps two who decide about alerts, or answer them, apart; waits half a minute. */
export async function lockAlerts(directory: string, signal: AbortSignal): Promise<Disposable | undefined> {
  try {
    makePrivateDirectory(directory);
    for (let attempt = 0; attempt < LOCK_TRIES; attempt += 1) {
      const lock = takeHostLock(directory);
      if (lock !== undefined) return lock;
      await wait(LOCK_WAIT_MS, signal);
    }
    return undefined;
  } catch (error) {
    // A state directory that cannot be used is already said in the report; the alert goes out all the same.
    if (!(error instanceof MaintError)) throw error;
    return undefined;
  }
}

function secretsOf({ database, heartbeatUrl, deadMan }: Config): readonly Secret[] {
  const ofSwitches = deadMan.flatMap((listener) => Object.values(listener));
  return [database.connection?.password, heartbeatUrl, ...ofSwitches].filter((each) => each instanceof Secret);
}
