import type { Store } from '../adapters/store.ts';
import { readReceipts, type Receipt } from '../backups/receipts.ts';
import { listBackups, type BackupEntry } from '../backups/repository.ts';
import { LOCAL } from '../backups/layout.ts';
import { standingsOf, type Standing } from '../backups/standing.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes, formatDuration, plural } from '../base/units.ts';

/** One backup, wherever it lies. */
export interface Offer {
  readonly id: string;
  readonly startedAt: Date;
  /** The places that hold it, good ones first. */
  readonly entries: readonly BackupEntry[];
  /** Undefined where no look at the first of them found it bad. */
  readonly failure: Standing['failure'];
}

/** Everything that can be restored, and what could not be looked at. */
interface Offers {
  /** Newest first. */
  readonly offers: readonly Offer[];
  /** One line each. */
  readonly problems: readonly string[];
}

/** Where to look, and what to hold against what is found there. */
interface Looking {
  readonly stores: readonly Store[];
  /** Where this host keeps its backups, and the receipts of all of them. */
  readonly directory: string;
  readonly label: string;
  readonly now: Date;
}

/** Looks into every place at the same time; one that does not answer hides none of the others. */
export async function offersIn({ stores, directory, label, now }: Looking, signal: AbortSignal): Promise<Offers> {
  const problems: string[] = [];
  const receipts = await knownReceipts(directory, label, (problem) => void problems.push(problem));
  const found = await Promise.all(
    stores.map(async (store) => {
      try {
        return await listBackups(store, label, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof MaintError)) throw error;
        problems.push(`${store.name} could not be looked at: ${error.message}`);
        return [];
      }
    }),
  );
  const standings = standingsOf({ entries: found.flat(), receipts, now });
  const offers = [...Map.groupBy(standings, ({ entry }) => entry.id)].map(([id, some]) => {
    const bestFirst = some.toSorted(
      (a, b) => Number(b.isVerified) - Number(a.isVerified) || Number(isHere(b)) - Number(isHere(a)),
    );
    const startedAt = bestFirst[0]?.entry.startedAt ?? new Date(0);
    return { id, startedAt, entries: bestFirst.map(({ entry }) => entry), failure: bestFirst[0]?.failure };
  });
  return { offers: offers.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime()), problems };
}

function isHere({ entry: { store } }: Standing): boolean {
  return store.name === LOCAL;
}

/** A restore must not wait for receipts that cannot be read, but whoever restores has to know. */
async function knownReceipts(
  directory: string,
  label: string,
  onProblem: (problem: string) => void,
): Promise<readonly Receipt[]> {
  try {
    return (await readReceipts(directory, label)).receipts;
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    onProblem(`nobody can say which backups were found bad: ${error.message}`);
    return [];
  }
}

/** What speaks against a backup that is to be restored, one line each. */
export async function objectionsTo(
  entry: BackupEntry,
  { directory, label, now }: Omit<Looking, 'stores'>,
): Promise<readonly string[]> {
  const objections: string[] = [];
  const receipts = await knownReceipts(directory, label, (problem) => void objections.push(problem));
  for (const { failure } of standingsOf({ entries: [entry], receipts, now })) {
    if (failure === undefined) continue;
    const { copy, at, findings } = failure;
    const day = at.toISOString().slice(0, 10);
    objections.push(
      `${entry.id} in ${copy} was found bad on ${day}: ${findings[0] ?? 'it did not pass'}; ` +
        '`maint backups list` shows better ones',
    );
  }
  return objections;
}

/** One line of a list, numbered from 1. */
export function offerLine(offer: Offer, number: number, now: Date): string {
  const [best] = offer.entries;
  const manifest = best?.manifest;
  const tables = Object.values(manifest?.tables ?? {});
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return [
    String(number).padStart(3),
    offer.id,
    `${formatDuration(Math.max(0, now.getTime() - offer.startedAt.getTime()))} old`.padEnd(15),
    (best === undefined ? '' : formatBytes(best.bytes)).padStart(8),
    (manifest === undefined ? 'no manifest' : `${plural(tables.length, 'table')}, ${plural(rows, 'row')}`).padEnd(24),
    (best?.isVerified !== true ? 'not whole' : offer.failure === undefined ? 'verified' : 'found bad').padEnd(9),
    offer.entries.map(({ store }) => store.name).join(', '),
  ].join('  ');
}
