import { DAY_MS } from '../base/units.ts';
import type { Expirable } from './expiry.ts';
import { openFailures, type Failure } from './failures.ts';
import type { Anomaly } from './manifest.ts';
import { factsOf, isRead, levelOf, type VerifyLevel } from './receipt-facts.ts';
import type { Receipt, ReceiptChain } from './receipts.ts';
import type { BackupEntry } from './repository.ts';

/** When something was last found out about one copy of a backup, and by which receipt. */
interface Proof {
  /** Which copy. */
  readonly copy: string;
  readonly level: VerifyLevel;
  readonly at: Date;
}

/** The last time that a copy was restored. */
export interface Tried extends Omit<Proof, 'level'> {
  readonly backup: string;
  readonly verdict: Receipt['verdict'];
  readonly rtoSeconds: number | undefined;
  /** The public key whose private half opened it; undefined where it was not encrypted, or nobody noted it. */
  readonly recipient: string | undefined;
  readonly summary: string | undefined;
}

/** What a person said about a backup. */
interface Word {
  readonly at: Date;
  /** user@host. */
  readonly by: string;
  readonly reason: string;
}

/** What is known of one copy of a backup: what it says itself, and what receipts say of it. */
export interface Standing {
  readonly entry: BackupEntry;
  /** It was verified when it was taken, its files are there in their sizes, and no verification since has found it bad. */
  readonly isVerified: boolean;
  /** Undefined where it is not known to be bad; of this copy, or of another where every copy must have it. */
  readonly failure: Failure | undefined;
  /** The same of all its copies, wherever they are. */
  readonly failedIn: readonly Failure[];
  /** The newest look at every byte of this copy that found nothing wrong, the one when it was taken included. */
  readonly proof: Proof | undefined;
  /** Undefined where nobody has restored it from here. */
  readonly tried: Tried | undefined;
  /** Undefined where it is not pinned. */
  readonly pin: Word | undefined;
  /** What makes it suspicious; none where nothing does, or where somebody has acknowledged it. */
  readonly suspicions: readonly Anomaly[];
  readonly acknowledged: Word | undefined;
  /** Copies elsewhere whose bytes were read there lately, and were right. */
  readonly heldBy: readonly string[];
}

/** Copies are taken to be still there so long after they were last read, unless a rule says otherwise. */
const READ_BACK_MS = 35 * DAY_MS;

/** What standings are made from. */
export interface Known {
  /** Of one place. */
  readonly entries: readonly BackupEntry[];
  readonly receipts: readonly Receipt[];
  readonly now: Date;
  /** Copies that were read longer ago are hope, in milliseconds; 35 days where left out. */
  readonly readBackMs?: number | undefined;
}

/** Says of each backup of a place what is known of it, in the same order. */
export function standingsOf({ entries, receipts, now, readBackMs = READ_BACK_MS }: Known): readonly Standing[] {
  const byBackup = Map.groupBy(receipts, ({ backup }) => backup);
  const since = now.getTime() - readBackMs;
  return entries.map((entry) => standingOf(entry, byBackup.get(entry.id) ?? [], since));
}

/** The same as expiry needs it. */
export function expirable({ entry, isVerified, pin, suspicions }: Standing): Expirable {
  const takenAt = entry.manifest?.snapshot.takenAt;
  return {
    id: entry.id,
    startedAt: entry.startedAt,
    isVerified,
    isPinned: pin !== undefined,
    isSuspicious: suspicions.length > 0,
    ...(takenAt !== undefined && { takenAt: new Date(takenAt) }),
  };
}

/** Does a person want this backup to stay? */
export function isPinned(receipts: readonly Receipt[], backup: string): boolean {
  return lastPin(receipts.filter((receipt) => receipt.backup === backup))?.kind === 'pin';
}

function lastPin(receipts: readonly Receipt[]): Receipt | undefined {
  return receipts.findLast(({ kind }) => kind === 'pin' || kind === 'unpin');
}

/** Ids of the backups whose oddities a person has acknowledged. */
export function acknowledgedIds({ receipts }: Pick<ReceiptChain, 'receipts'>): ReadonlySet<string> {
  return new Set(receipts.filter(({ kind }) => kind === 'acknowledge').map(({ backup }) => backup));
}

function standingOf(entry: BackupEntry, receipts: readonly Receipt[], since: number): Standing {
  const { manifest } = entry;
  const here = receipts.filter(({ copy }) => copy === entry.store.name);
  const failedIn = openFailures(receipts);
  const failure =
    failedIn.find(({ copy }) => copy === entry.store.name) ?? failedIn.find(({ isEverywhere }) => isEverywhere);
  const acknowledged = wordOf(receipts.findLast(({ kind }) => kind === 'acknowledge'));
  const pinned = lastPin(receipts);
  return {
    entry,
    isVerified: entry.isVerified && failure === undefined,
    failure,
    failedIn,
    proof: newestProof(entry, here),
    tried: triesOf(here).at(-1),
    pin: pinned?.kind === 'pin' ? wordOf(pinned) : undefined,
    suspicions: acknowledged === undefined ? (manifest?.anomalies.filter((each) => each.isSuspicious) ?? []) : [],
    acknowledged,
    heldBy: holdersOf(receipts, since).filter((copy) => copy !== entry.store.name),
  };
}

/** How deep a look it was that a receipt speaks of; undefined where it proved nothing. */
export function provenAt(receipt: Receipt): VerifyLevel | undefined {
  const { kind, verdict } = receipt;
  if (verdict !== 'pass') return undefined;
  if (kind === 'copy') return isRead(receipt) ? 'checksum' : undefined;
  return kind === 'verify' || kind === 'restore-test' ? levelOf(receipt) : undefined;
}

function newestProof({ manifest, isVerified, store }: BackupEntry, here: readonly Receipt[]): Proof | undefined {
  const receipt = here.findLast((each) => (provenAt(each) ?? 'present') !== 'present');
  const level = receipt && provenAt(receipt);
  if (receipt !== undefined && level !== undefined) return { copy: store.name, level, at: new Date(receipt.at) };
  return manifest === undefined || !isVerified
    ? undefined
    : { copy: store.name, level: manifest.verify.level, at: new Date(manifest.verify.at) };
}

/** Every restore test that the receipts know of, oldest first. */
export function triesOf(receipts: readonly Receipt[]): readonly Tried[] {
  return receipts
    .filter(({ kind }) => kind === 'restore-test')
    .map((receipt) => {
      const { rtoSeconds, recipient, summary } = factsOf(receipt);
      const { copy, backup, verdict } = receipt;
      return { copy, backup, verdict, at: new Date(receipt.at), rtoSeconds, recipient, summary };
    });
}

/** Names of the copies whose newest look at the bytes was a good one, and not too long ago. */
function holdersOf(receipts: readonly Receipt[], since: number): readonly string[] {
  const looks = receipts.filter(isLook);
  const newest = new Map(looks.map((look) => [look.copy, look]));
  return [...newest.values()]
    .filter(({ verdict, at }) => verdict === 'pass' && Date.parse(at) >= since)
    .map(({ copy }) => copy);
}

/** Was a copy read? That it was sent says nothing, nor that it could not be asked, nor that a restore was too slow. */
function isLook(receipt: Receipt): boolean {
  const { kind, verdict } = receipt;
  if (kind === 'restore-test') return verdict === 'pass';
  if (kind !== 'copy' && kind !== 'verify') return false;
  return verdict === 'fail' || (verdict === 'pass' && isRead(receipt));
}

function wordOf(receipt: Receipt | undefined): Word | undefined {
  if (receipt === undefined) return undefined;
  const { by, reason } = factsOf(receipt);
  return { at: new Date(receipt.at), by, reason };
}
