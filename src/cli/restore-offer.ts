import type { Store } from '../adapters/store.ts';
import { LOCAL, listBackups, type BackupEntry } from '../backups/repository.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes, formatDuration, plural } from '../base/units.ts';

/** One backup, wherever it lies. */
export interface Offer {
  readonly id: string;
  readonly startedAt: Date;
  /** The places that hold it, whole ones first. */
  readonly entries: readonly BackupEntry[];
}

/** Everything that can be restored, and what could not be looked at. */
interface Offers {
  /** Newest first. */
  readonly offers: readonly Offer[];
  /** One line each. */
  readonly problems: readonly string[];
}

/** Looks into every place at the same time; one that does not answer hides none of the others. */
export async function offersIn(stores: readonly Store[], label: string, signal: AbortSignal): Promise<Offers> {
  const problems: string[] = [];
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
  const byId = Map.groupBy(found.flat(), ({ id }) => id);
  const offers = [...byId].map(([id, entries]) => ({
    id,
    startedAt: entries[0]?.startedAt ?? new Date(0),
    entries: entries.toSorted(
      (a, b) =>
        Number(b.isVerified) - Number(a.isVerified) || Number(b.store.name === LOCAL) - Number(a.store.name === LOCAL),
    ),
  }));
  return { offers: offers.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime()), problems };
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
    (best?.isVerified === true ? 'verified' : 'not whole').padEnd(9),
    offer.entries.map(({ store }) => store.name).join(', '),
  ].join('  ');
}
