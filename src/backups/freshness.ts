import { MaintError } from '../base/errors.ts';
import type { BackupPlaces } from '../engine/backup-places.ts';
import { isToCome } from './layout.ts';
import { readReceipts } from './receipts.ts';
import { listBackups, localStore } from './repository.ts';
import { standingsOf } from './standing.ts';

/** Which backups, and since when one has to be of. */
export interface Freshness {
  readonly places: BackupPlaces;
  readonly label: string;
  readonly since: Date;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** A backup to fall back on. */
interface GoodBackup {
  readonly id: string;
  readonly takenAt: Date;
}

/** What there is to fall back on. */
export interface Fallback {
  /** The newest that is verified and not suspicious; undefined where no place that answered has one. */
  readonly newest: GoodBackup | undefined;
  /** Places that could not be asked, and why, one line each. */
  readonly silent: readonly string[];
}

/** Looks for a good backup on this host, then in each copy until one is fresh enough. */
export async function findFallback(freshness: Freshness): Promise<Fallback> {
  const { places, since } = freshness;
  const silent: string[] = [];
  let newest: GoodBackup | undefined;
  const stores = [() => localStore(places.directory), ...places.copies.map((copy) => () => copy.open())];
  for (const open of stores) {
    try {
      const found = await newestGood(open(), freshness);
      if (found !== undefined && found.takenAt > (newest?.takenAt ?? new Date(0))) newest = found;
      if (newest !== undefined && newest.takenAt >= since) break;
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      silent.push(error.message);
    }
  }
  return { newest, silent };
}

async function newestGood(
  store: ReturnType<typeof localStore>,
  { places, label, now, signal }: Freshness,
): Promise<GoodBackup | undefined> {
  const entries = await listBackups(store, label, signal);
  const { receipts } = await readReceipts(places.directory, label);
  for (const { entry, isVerified, suspicions } of standingsOf({ entries, receipts, now })) {
    const takenAt = entry.manifest?.snapshot.takenAt;
    // By a date to come nobody could tell how old it is.
    if (!isVerified || suspicions.length > 0 || takenAt === undefined || isToCome(entry.startedAt, now)) continue;
    return { id: entry.id, takenAt: new Date(takenAt) };
  }
  return undefined;
}
