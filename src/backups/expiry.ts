import { DAY_MS } from '../base/units.ts';
import type { Keep } from '../engine/backup-places.ts';
import { isToCome } from './layout.ts';

/** What expiry needs to know of a backup. */
export interface Expirable {
  readonly id: string;
  readonly startedAt: Date;
  /** Taken whole, and not found bad since. */
  readonly isVerified: boolean;
  /** When its snapshot was taken: tells which of two that began in the same second came first. */
  readonly takenAt?: Date;
  /** A person wants it to stay. */
  readonly isPinned?: boolean;
  /** It was flagged, and no person has acknowledged that yet. */
  readonly isSuspicious?: boolean;
}

/** What becomes of one backup, and why. */
export interface Fate {
  readonly id: string;
  readonly action: 'keep' | 'delete';
  readonly reasons: readonly string[];
}

/**
 * Decides which backups may go, grandfather-father-son: only verified ones fill a place, and places are counted back
 * from the newest verified one, not from now, so that an outage deletes nothing. What is not verified is never touched,
 * and neither is what is dated in the future: a clock that was ahead must not push good backups out. A pinned one stays,
 * and takes its places as it would without the pin. While one is suspicious all stay: perhaps the older ones are the last
 * that hold what it lacks.
 * @param timezone IANA name in which days, weeks, months and years are counted
 * @param now what is dated later than this is left alone
 * @returns one fate for each backup; those to delete come oldest first, in the order to delete them in
 */
export function planExpiry(backups: readonly Expirable[], keep: Keep, timezone: string, now: Date): readonly Fate[] {
  const isFuture = ({ startedAt }: Expirable): boolean => isToCome(startedAt, now);
  const oldestFirst = backups.toSorted(byAge);
  const counted = oldestFirst.filter((backup) => backup.isVerified && !isFuture(backup)).toReversed();
  const places = takenPlaces(counted, keep, calendarOf(timezone));
  const freezing = oldestFirst.find(({ isSuspicious }) => isSuspicious === true);
  return oldestFirst.map((backup) => {
    if (!backup.isVerified) return kept(backup, ['not verified, so not ours to delete']);
    if (isFuture(backup)) return kept(backup, ['dated in the future']);
    const reasons = [...(backup.isPinned === true ? ['pinned'] : []), ...(places.get(backup.id) ?? [])];
    if (reasons.length > 0) return kept(backup, reasons);
    if (freezing !== undefined) return kept(backup, [`${freezing.id} is suspicious and not acknowledged`]);
    return { id: backup.id, action: 'delete', reasons: ['every place is taken by a newer backup'] };
  });
}

function kept({ id }: Expirable, reasons: readonly string[]): Fate {
  return { id, action: 'keep', reasons };
}

/** @param newestFirst verified backups */
function takenPlaces(
  newestFirst: readonly Expirable[],
  keep: Keep,
  calendar: (date: Date) => Calendar,
): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  const take = ({ id }: Expirable, reason: string): void => void places.set(id, [...(places.get(id) ?? []), reason]);
  newestFirst.slice(0, Math.max(keep.last, 0)).forEach((backup, index) => take(backup, `last ${index + 1}`));
  // The newest verified one stays even where every number is 0.
  newestFirst.slice(0, Math.max(keep.minVerified, 1)).forEach((backup) => take(backup, 'newest verified'));
  for (const period of PERIODS) {
    const seen = new Set<string>();
    for (const backup of newestFirst) {
      const bucket = calendar(backup.startedAt)[period];
      if (seen.has(bucket) || seen.size >= keep[period]) continue;
      seen.add(bucket);
      take(backup, `${period} ${bucket}`);
    }
  }
  return places;
}

const PERIODS = ['daily', 'weekly', 'monthly', 'yearly'] as const;
/** The bucket of a date in each period, such as `2026-W48`. */
type Calendar = Readonly<Record<(typeof PERIODS)[number], string>>;

function calendarOf(timezone: string): (date: Date) => Calendar {
  // Swedish dates are written as ISO ones.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short' });
  return (date) => {
    const day = format.format(date);
    return { daily: day, weekly: isoWeek(day), monthly: day.slice(0, 7), yearly: day.slice(0, 4) };
  };
}

/**
 * The week of a day by ISO 8601: weeks begin on Monday and belong to the year that holds their Thursday.
 * @param day `2027-01-01`
 * @returns `2026-W53`
 */
function isoWeek(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** Ids count seconds. */
function byAge(a: Expirable, b: Expirable): number {
  const takenAt = (backup: Expirable): number => backup.takenAt?.getTime() ?? 0;
  return a.startedAt.getTime() - b.startedAt.getTime() || takenAt(a) - takenAt(b) || (a.id < b.id ? -1 : 1);
}
