import type { Store } from '../adapters/store.ts';
import type { StepContext } from '../engine/task.ts';
import { removeCopy } from './copy-backup.ts';
import { FILES } from './layout.ts';
import type { Receipt } from './receipts.ts';
import type { BackupEntry } from './repository.ts';

/** A place of copies once everything that it lacks was sent. */
interface Remains {
  readonly store: Store;
  /** How receipts call it. */
  readonly place: string;
  /** All that is there, whole or not. */
  readonly entries: readonly BackupEntry[];
  readonly receipts: readonly Receipt[];
}

/**
 * Removes what is left of copies that were broken off, and whose backup has expired since: nobody will finish them. One that
 * was whole once and has lost its manifest is evidence, and stays.
 * @returns the ids of what is gone
 * @throws MaintError as `Store.list` and `Store.remove`
 */
export async function sweepCopies(
  { store, place, entries, receipts }: Remains,
  { signal, log }: Pick<StepContext, 'signal' | 'log'>,
): Promise<readonly string[]> {
  const arrived = new Set(
    receipts
      .filter(({ kind, copy, verdict }) => kind === 'copy' && copy === place && verdict === 'pass')
      .map(({ backup }) => backup),
  );
  const swept: string[] = [];
  for (const entry of entries) {
    if (entry.manifest !== undefined || arrived.has(entry.id)) continue;
    signal.throwIfAborted();
    const names = (await store.list(entry.path, signal))?.files.map(({ name }) => name) ?? [];
    if (names.includes(FILES.manifest) || (await removeCopy(entry, signal)) === 'retained') continue;
    log.info({ id: entry.id, copy: place }, 'what was left of a broken-off copy removed');
    swept.push(entry.id);
  }
  return swept;
}
