import { LOCAL } from '../backups/layout.ts';
import type { PlannedRestore } from '../backups/restore-database.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Conversation } from '../base/world.ts';
import { directoryOf } from './backups-holding.ts';
import type { RestoreInvocation } from './restore-invocation.ts';
import { namesIn } from './restore-answers.ts';
import { timedName } from './restore-names.ts';
import { offerLine, offersIn, type Offer } from './restore-offer.ts';
import { storesOf } from './restore-places.ts';
import type { Surroundings } from './restore-backup.ts';
import { planFor } from './restore-request.ts';
import { intendedLines } from './restore-text.ts';

/** What the answers came to. */
interface Guided {
  readonly invocation: RestoreInvocation;
  readonly plan: PlannedRestore;
}

/** Asks one question until the answer can be used; undefined when the person has ended the input. */
type Ask = (question: string) => Promise<string | undefined>;

interface Guide extends Surroundings {
  readonly ask: Ask;
  readonly say: (line: string) => void;
}

/** More are found by typing the id. */
const SHOWN_BACKUPS = 10;

/**
 * Asks the person at the terminal what to restore and into what, looks whether it can be done, and asks once to go on.
 * Touches nothing.
 * @returns undefined where the person thought better of it
 * @throws MaintError where something is in the way that no answer mends
 */
export async function guideRestore(
  invocation: RestoreInvocation,
  surroundings: Surroundings,
): Promise<Guided | undefined> {
  const { world, signal } = surroundings;
  using conversation: Conversation = await world.converse(signal);
  const say = (line: string): void => world.stdout.write(`${printable(line)}\n`);
  const guide: Guide = {
    ...surroundings,
    say,
    ask: async (question) => (await conversation.ask(question))?.trim(),
  };
  const guided = await questions(invocation, guide);
  if (guided === undefined) say('Nothing was touched.');
  return guided;
}

async function questions(invocation: RestoreInvocation, guide: Guide): Promise<Guided | undefined> {
  guide.say('This makes a new database from a backup. The live one stays as it is. Ctrl-C ends it at any time.');
  guide.say('');
  const offer = await askBackup(invocation, guide);
  const copy = offer === undefined ? undefined : await askCopy(offer, guide);
  if (offer === undefined || copy === undefined) return undefined;
  const tables = await guide.ask('All of it, or only some tables? Their names with commas between [all]: ');
  if (tables === undefined) return undefined;
  const database = offer.entries[0]?.manifest?.database ?? guide.config.project;
  const proposed = timedName(database, 'restored', guide.world);
  const name = await guide.ask(`Name of the new database [${printable(proposed)}]: `);
  if (name === undefined) return undefined;
  const draft = {
    ...invocation,
    backup: offer.id,
    copy,
    tables: tables === 'all' ? [] : namesIn(tables),
    toDatabase: name === '' ? proposed : name,
  };
  const guided = await planUntilClear(draft, guide);
  if (guided === undefined) return undefined;
  guide.say('');
  for (const line of intendedLines({ plan: guided.plan })) guide.say(line);
  const answer = await guide.ask('Go on? [y/N]: ');
  return answer !== undefined && /^y(es)?$/i.test(answer) ? guided : undefined;
}

async function askBackup(invocation: RestoreInvocation, guide: Guide): Promise<Offer | undefined> {
  const { config, world, signal, say } = guide;
  const stores = storesOf(invocation, config, world);
  const directory = directoryOf(invocation, config, world);
  const looking = { stores, directory, label: config.project, now: world.now() };
  const { offers, problems } = await offersIn(looking, signal);
  for (const problem of problems) say(`! ${problem}`);
  const [newest] = offers;
  if (newest === undefined)
    throw new MaintError('USAGE', `there is no backup of ${config.project} in any place`, {
      hint: 'Name the directory of the backups with --directory.',
      detail: 'backup.none',
    });
  say(`Backups of ${config.project}, newest first:`);
  for (const [index, offer] of offers.slice(0, SHOWN_BACKUPS).entries()) say(offerLine(offer, index + 1, world.now()));
  if (offers.length > SHOWN_BACKUPS) say(`     and ${offers.length - SHOWN_BACKUPS} older ones, by their ids`);
  for (;;) {
    const answer = await guide.ask('Which one? A number or an id [1]: ');
    if (answer === undefined) return undefined;
    const chosen = answer === '' ? newest : (offers.find(({ id }) => id === answer) ?? numbered(offers, answer));
    if (chosen !== undefined) return chosen;
    say(`There is none of that number or id: ${answer}`);
  }
}

function numbered(offers: readonly Offer[], answer: string): Offer | undefined {
  return /^\d{1,4}$/.test(answer) && answer !== '0' ? offers[Number(answer) - 1] : undefined;
}

/** Asked only where there is something to choose. */
async function askCopy({ entries }: Offer, guide: Guide): Promise<string | undefined> {
  const names = entries.map(({ store }) => store.name);
  const [best = LOCAL] = names;
  if (names.length < 2) return best;
  for (;;) {
    const answer = await guide.ask(`From which copy: ${names.join(', ')} [${best}]: `);
    if (answer === undefined) return undefined;
    const chosen = answer === '' ? best : names.find((name) => name === answer);
    if (chosen !== undefined) return chosen;
    guide.say(`There is no copy ${answer}.`);
  }
}

/** Asks again for what is in the way, as long as an answer can help. */
async function planUntilClear(invocation: RestoreInvocation, guide: Guide): Promise<Guided | undefined> {
  try {
    return { invocation, plan: await planFor(invocation, guide) };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    const question = MENDED_BY[error.detail ?? ''];
    if (question === undefined) throw error;
    guide.say(`! ${error.message}. ${error.detail === 'restore.roles_missing' ? '' : error.hint}`.trim());
    const answer = await guide.ask(question.text);
    return answer === undefined ? undefined : planUntilClear(question.apply(invocation, answer), guide);
  }
}

interface Mending {
  readonly text: string;
  readonly apply: (invocation: RestoreInvocation, answer: string) => RestoreInvocation;
}

const ANOTHER_TABLE: Mending = {
  text: 'Which tables? Names with commas between [all]: ',
  apply: (invocation, answer) => ({ ...invocation, tables: answer === 'all' ? [] : namesIn(answer) }),
};

/** What can be asked about an obstacle, by its detail. */
const MENDED_BY: Readonly<Record<string, Mending>> = {
  'restore.table_unknown': ANOTHER_TABLE,
  'restore.table_ambiguous': ANOTHER_TABLE,
  'verify.no_key': {
    text: 'It is encrypted. The file of a secret key: ',
    apply: (invocation, answer) => (answer === '' ? invocation : { ...invocation, identity: answer }),
  },
  'restore.database_exists': {
    text: 'Another name for the new database: ',
    apply: (invocation, answer) => (answer === '' ? invocation : { ...invocation, toDatabase: answer }),
  },
  'restore.roles_missing': {
    text: 'Make them without a login (m), or leave everything to the role that restores (l)? [l]: ',
    apply: (invocation, answer) =>
      answer === 'm' ? { ...invocation, createRoles: true } : { ...invocation, owner: false },
  },
};
