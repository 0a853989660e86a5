import type { Keep } from '../engine/backup-places.ts';
import { removeCopy } from './copy-backup.ts';
import { planExpiry, type Expirable, type Fate } from './expiry.ts';
import { readReceipts, type ReceiptChain } from './receipts.ts';
import { removeBackup } from './remove-backup.ts';
import type { BackupEntry } from './repository.ts';
import { LOCAL } from './layout.ts';
import { expirable, isPinned, standingsOf } from './standing.ts';

/** The backups of one place, and by what they go. */
export interface Expiring {
  /** Where the receipts are, which say what is bad, pinned or acknowledged. */
  readonly directory: string;
  readonly label: string;
  /** All that are there: where they could not be listed, nothing goes. */
  readonly entries: readonly BackupEntry[];
  /**
   * Those of this host where another place is meant: while one of them is suspicious nothing goes there either, whether
   * or not it has been sent there.
   */
  readonly ofThisHost?: readonly BackupEntry[];
  /** One that is about to be taken, for a dry run. */
  readonly upcoming?: Expirable;
  readonly keep: Keep;
  /** IANA name. */
  readonly timezone: string;
  readonly now: Date;
}

/** Why nothing goes for the time being, and what ends that. */
interface Frozen {
  /** One line without a full stop. */
  readonly summary: string;
  /** The same for one backup that would go otherwise. */
  readonly reason: string;
  readonly remediation: readonly string[];
  readonly detail: 'expiry.suspicious' | 'expiry.receipts_broken';
}

/** What becomes of the backups of one place. */
export interface ExpiryPlan {
  /** Those to delete come oldest first. */
  readonly fates: readonly Fate[];
  /** Undefined where expiry goes its way. */
  readonly frozen: Frozen | undefined;
}

/**
 * Decides what goes, from the backups themselves and from all that receipts say of them.
 * @throws MaintError FILE_UNUSABLE where the receipts cannot be read: what nobody can look up may be pinned
 */
export async function planRemovals(expiring: Expiring): Promise<ExpiryPlan> {
  const { directory, label, entries, ofThisHost = [], upcoming, keep, timezone, now } = expiring;
  const chain = await readReceipts(directory, label, [...entries, ...ofThisHost]);
  const knownOf = (some: readonly BackupEntry[]): readonly Expirable[] =>
    standingsOf({ entries: some, receipts: chain.receipts, now }).map(expirable);
  const known = knownOf(entries);
  const fates = planExpiry(upcoming === undefined ? known : [...known, upcoming], keep, timezone, now);
  const frozen = brokenChain(chain) ?? suspicion([...known, ...knownOf(ofThisHost)]);
  return { fates: frozen === undefined ? fates : fates.map((fate) => spared(fate, frozen)), frozen };
}

function brokenChain({ fault, remedy }: ReceiptChain): Frozen | undefined {
  if (fault === undefined) return undefined;
  return {
    summary: `nothing is removed: the receipts are not whole (${fault}), and what is missing may be a pin`,
    reason: 'the receipts are not whole',
    remediation: ['maint backups status', ...remedy],
    detail: 'expiry.receipts_broken',
  };
}

function suspicion(known: readonly Expirable[]): Frozen | undefined {
  const ids = [...new Set(known.filter(({ isSuspicious }) => isSuspicious === true).map(({ id }) => id))];
  const [first] = ids;
  if (first === undefined) return undefined;
  const others = ids.length > 1 ? ` and ${ids.length - 1} more` : '';
  return {
    summary: `nothing is removed: ${first}${others} is suspicious, and nobody has acknowledged it`,
    reason: `${first} is suspicious and not acknowledged`,
    remediation: [
      `maint backups show ${first}`,
      ...ids.map((id) => `maint backups ack ${id} --reason 'what happened'`),
    ],
    detail: 'expiry.suspicious',
  };
}

function spared({ id, action, reasons }: Fate, { reason }: Frozen): Fate {
  return { id, action: 'keep', reasons: action === 'keep' ? reasons : [reason] };
}

/** What went, and what the place did not let go. */
export interface Removals {
  readonly removed: readonly string[];
  /** Kept by a rule of the place itself, such as an object lock, which is no error. */
  readonly retained: readonly string[];
}

/** What is to be carried out. */
interface Removing extends Pick<Expiring, 'directory' | 'label' | 'entries'>, Pick<ExpiryPlan, 'fates'> {
  /** Told of each one that is gone. */
  readonly onRemoved: (fate: Fate) => void;
}

/**
 * Removes what a plan lets go, oldest first, and stops between two of them when it is told to.
 * @throws MaintError FILE_UNUSABLE, or as `Store.remove`
 */
export async function removeOld(removing: Removing, signal: AbortSignal): Promise<Removals> {
  const { directory, label, entries, fates, onRemoved } = removing;
  const removals = { removed: new Array<string>(), retained: new Array<string>() };
  for (const fate of fates) {
    const entry = entries.find(({ id }) => id === fate.id);
    if (fate.action === 'keep' || entry === undefined) continue;
    signal.throwIfAborted();
    // A person may pin at any time, without waiting for the run that does this.
    const isWanted = async (): Promise<boolean> => isPinned((await readReceipts(directory, label)).receipts, entry.id);
    const end =
      entry.store.name === LOCAL
        ? await removeBackup({ directory, label, id: entry.id }, isWanted)
        : (await isWanted())
          ? 'wanted'
          : await removeCopy(entry, signal);
    if (end !== 'wanted') removals[end].push(fate.id);
    if (end === 'removed') onRemoved(fate);
  }
  return removals;
}
