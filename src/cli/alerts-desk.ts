import { currentUser } from '../adapters/cron-machine.ts';
import type { AlertEvent } from '../alerts/events.ts';
import { policyOf } from '../alerts/policy-of.ts';
import type { AlertPolicy } from '../alerts/policy.ts';
import { redactor } from '../alerts/redact.ts';
import { mutesAt } from '../alerts/silences.ts';
import type { AlertState } from '../alerts/state.ts';
import type { AlertStore } from '../alerts/store.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import type { Journal } from '../engine/journal.ts';
import { openJournal, openJournalToRead } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { journalAlertStore } from './alert-store.ts';
import type { CommonFlags } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';
import { lockAlerts } from './telling.ts';
import { quoted, usage } from './usage.ts';

/** Everything that is known of alerts, for a person who looks or answers. */
export interface Desk {
  readonly config: Config;
  readonly journal: Journal;
  readonly store: AlertStore;
  readonly policy: AlertPolicy;
}

const LOCK_LIMIT_MS = 30_000;

/** Lets someone look; nothing is made or changed. */
export async function lookAtAlerts<Answer>(
  common: CommonFlags,
  world: World,
  look: (desk: Desk) => Answer | Promise<Answer>,
): Promise<Answer> {
  const config = await configOf(common, world);
  using journal = openJournalToRead(stateDirectory(world, common, config));
  for (const notice of journal.notices) world.stderr.write(`maint: ${notice}\n`);
  return await look(deskOf(config, journal, world));
}

/**
 * Lets someone say something, while no run decides about alerts.
 * @throws MaintError STATE_UNUSABLE when it could not be remembered
 */
export async function answerAlerts<Answer>(
  common: CommonFlags,
  world: World,
  answer: (desk: Desk) => Answer,
): Promise<Answer> {
  const config = await configOf(common, world);
  const directory = stateDirectory(world, common, config);
  using journal = openJournal(directory, world.now());
  using lock = await lockAlerts(`${directory}/alerts`, AbortSignal.timeout(LOCK_LIMIT_MS));
  if (lock === undefined || !journal.isDurable)
    throw new MaintError('STATE_UNUSABLE', journal.notices[0] ?? `${directory} is in use, or cannot be written`);
  const said = answer(deskOf(config, journal, world));
  const [trouble] = journal.notices;
  if (!journal.isDurable) throw new MaintError('STATE_UNUSABLE', trouble ?? 'the journal could not be written');
  return said;
}

async function configOf(common: CommonFlags, { env, cwd }: World): Promise<Config> {
  return loadConfig({ env, cwd, configPath: common.config, tasks });
}

function deskOf(config: Config, journal: Journal, world: World): Desk {
  const store = journalAlertStore(journal);
  const { alerts: settings, owners } = config;
  const mutes = mutesAt(store.silences(), settings.windows, world.now());
  return { config, journal, store, policy: policyOf({ settings, owners, mutes }) };
}

/** Who says something: as they call themselves, or as the system does. */
export function speaker(by: string | undefined, world: World): string {
  return said(by ?? `${currentUser()}@${world.hostname}`);
}

/** A text of a person, fit to be kept and sent: one line without secrets. */
export function said(text: string): string {
  return printable(redactor([])(text)).trim();
}

const SHORTEST_ID = 4;

/**
 * The one thing whose id begins like this.
 * @throws MaintError USAGE when it is too short, or none or several do
 */
export function pickById<Item>(items: readonly Item[], id: string, idOf: (item: Item) => string): Item {
  const found = items.filter((item) => idOf(item).startsWith(id.toLowerCase()));
  const [one, ...others] = found;
  if (id.length < SHORTEST_ID)
    throw usage(`the id ${quoted(id)} is too short`, 'Write four of its characters at least.');
  if (one === undefined)
    throw usage(
      `there is nothing with the id ${quoted(id)}`,
      'The lists show every id. Looked at was what this configuration knows on this host: the message says which host, and --config names another one.',
    );
  if (others.length > 0)
    throw usage(`${quoted(id)} is the beginning of several ids`, `Write more of one: ${found.map(idOf).join(', ')}.`);
  return one;
}

/** A problem that a person knows by its id. */
export function pickState({ store }: Desk, id: string): AlertState {
  return pickById(store.load(), id, ({ fingerprint }) => fingerprint);
}

/** The newest event of each problem. */
export function newestEvents(events: readonly AlertEvent[]): readonly AlertEvent[] {
  return [...new Map(events.map((event) => [event.fingerprint, event])).values()];
}
