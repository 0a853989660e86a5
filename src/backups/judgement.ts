import type { CopyPlace, Medium } from '../engine/backup-places.ts';
import { isToCome, LOCAL } from './layout.ts';
import { depthOf, VERIFY_LEVELS, type VerifyLevel } from './receipt-facts.ts';
import type { Receipt, ReceiptChain } from './receipts.ts';
import type { BackupEntry } from './repository.ts';
import type { BackupRules } from './rules.ts';
import { provenAt, standingsOf, triesOf, type Standing, type Tried } from './standing.ts';

/** What is judged: the backups of one place, and the receipts that this host has of all of them. */
export interface Judged {
  /** Which place the entries are from: `local`, or a copy. */
  readonly viewed: string;
  readonly entries: readonly BackupEntry[];
  readonly chain: ReceiptChain;
  readonly copies: readonly Omit<CopyPlace, 'open'>[];
  /** Public keys that new backups are encrypted to. */
  readonly recipients: readonly string[];
  readonly rules: BackupRules;
  readonly now: Date;
}

/** Where backups lie, and what is known of that place. */
export interface PlaceState {
  readonly name: string;
  readonly medium: Medium;
  readonly isOffsite: boolean;
  readonly immutableForMs: number | undefined;
  /** Does it hold the newest verified backup, as far as somebody has looked? */
  readonly holdsNewest: boolean;
  /** When a backup there was last proven, by the depth of the look; a deeper one proves what a shallower one does. */
  readonly verifiedAt: Readonly<Partial<Record<VerifyLevel, Date>>>;
  /** The last restore from there that came to a verdict, and the last that went well. */
  readonly tried: Tried | undefined;
  readonly restored: Tried | undefined;
}

/** How many copies there are of the newest verified backup, the live database counting as one. */
export interface ThreeTwoOne {
  readonly copies: number;
  readonly media: number;
  readonly offsite: number;
  readonly immutable: number;
}

/** When it was last shown that a private key opens a backup. */
interface KeyState {
  /** The public half. */
  readonly recipient: string;
  /** Undefined where no restore test has used it. */
  readonly provenAt: Date | undefined;
}

/** Where the backups of a label stand. */
export interface State {
  readonly standings: readonly Standing[];
  /** The newest verified one, those dated in the future left aside; undefined where there is none. */
  readonly newest: Standing | undefined;
  /** The age of what the newest verified backup holds: so much would be lost now. */
  readonly rpoMs: number | undefined;
  readonly places: readonly PlaceState[];
  readonly keys: readonly KeyState[];
  readonly threeTwoOne: ThreeTwoOne;
}

/** Puts together what is known of the backups, from themselves and from receipts. */
export function stateOf(judged: Judged): State {
  const { viewed, entries, chain, rules, now } = judged;
  const { receipts } = chain;
  const standings = standingsOf({ entries, receipts, now, readBackMs: rules.readBackWithin });
  // By a date to come nobody could tell that no newer one was taken.
  const newest = standings.find(({ isVerified, entry }) => isVerified && !isToCome(entry.startedAt, now));
  const takenAt = newest?.entry.manifest?.snapshot.takenAt;
  const holders = newest === undefined ? [] : [viewed, ...newest.heldBy];
  const places = placesOf(judged).map((place) => ({ ...place, ...knownOf(place.name, receipts, holders) }));
  return {
    standings,
    newest,
    rpoMs: takenAt === undefined ? undefined : Math.max(0, now.getTime() - Date.parse(takenAt)),
    places,
    keys: keysOf(judged),
    threeTwoOne: count(places.filter(({ holdsNewest }) => holdsNewest)),
  };
}

type PlaceFacts = Pick<PlaceState, 'name' | 'medium' | 'isOffsite' | 'immutableForMs'>;

function placesOf({ copies }: Judged): readonly PlaceFacts[] {
  const local: PlaceFacts = { name: LOCAL, medium: 'disk', isOffsite: false, immutableForMs: undefined };
  return [
    local,
    ...copies.map(({ name, medium, isOffsite, immutableForMs }) => ({ name, medium, isOffsite, immutableForMs })),
  ];
}

function knownOf(
  name: string,
  receipts: readonly Receipt[],
  holders: readonly string[],
): Omit<PlaceState, keyof PlaceFacts> {
  const here = receipts.filter(({ copy }) => copy === name);
  const tries = triesOf(here).filter(({ verdict }) => verdict !== 'inconclusive');
  return {
    holdsNewest: holders.includes(name),
    verifiedAt: verifiedAt(here),
    tried: tries.at(-1),
    restored: tries.findLast(({ verdict }) => verdict === 'pass'),
  };
}

function verifiedAt(here: readonly Receipt[]): PlaceState['verifiedAt'] {
  const found = VERIFY_LEVELS.map((level) => {
    const receipt = here.findLast((each) => {
      const proof = provenAt(each);
      return proof !== undefined && depthOf(proof) >= depthOf(level);
    });
    return [level, receipt === undefined ? undefined : new Date(receipt.at)] as const;
  });
  return Object.fromEntries(found.flatMap(([level, at]) => (at === undefined ? [] : [[level, at]])));
}

/** Keys of today, and those that older receipts know of. */
function keysOf({ recipients, chain }: Judged): readonly KeyState[] {
  const passed = triesOf(chain.receipts).filter(({ verdict }) => verdict === 'pass');
  const used = passed.flatMap(({ recipient }) => recipient ?? []);
  return [...new Set([...recipients, ...used])].map((recipient) => ({
    recipient,
    provenAt: passed.findLast((tried) => tried.recipient === recipient)?.at,
  }));
}

/** The live database is a copy too, on a disk in the house. */
function count(holding: readonly PlaceState[]): ThreeTwoOne {
  return {
    copies: 1 + holding.length,
    media: new Set<Medium>(['disk', ...holding.map(({ medium }) => medium)]).size,
    offsite: holding.filter(({ isOffsite }) => isOffsite).length,
    immutable: holding.filter(({ immutableForMs }) => immutableForMs !== undefined).length,
  };
}
