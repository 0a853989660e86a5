import type { Keep } from '../engine/backup-places.ts';
import { planExpiry, type Expirable } from './expiry.ts';

/** What is where. Both lists hold whole backups and others. */
interface Holdings<T extends Expirable> {
  /** On this host. */
  readonly local: readonly T[];
  /** In the place of the copies. */
  readonly copied: readonly Expirable[];
}

/** By what the copies are counted; see `planExpiry`. */
interface Counting {
  /** Undefined keeps everything. */
  readonly keep: Keep | undefined;
  readonly timezone: string;
  readonly now: Date;
}

/**
 * Decides which backups of this host another place still lacks: the verified ones that it would keep. The newest comes
 * first, for it is the one that would be missed most.
 */
export function planCopies<T extends Expirable>({ local, copied }: Holdings<T>, counting: Counting): readonly T[] {
  const there = new Set(copied.filter(({ isVerified }) => isVerified).map(({ id }) => id));
  const missing = local.filter(({ id, isVerified }) => isVerified && !there.has(id));
  const { keep, timezone, now } = counting;
  if (keep === undefined) return newestFirst(missing);
  const whole = [...missing, ...copied.filter(({ isVerified }) => isVerified)];
  const kept = new Set(
    planExpiry(whole, keep, timezone, now)
      .filter(({ action }) => action === 'keep')
      .map(({ id }) => id),
  );
  return newestFirst(missing.filter(({ id }) => kept.has(id)));
}

function newestFirst<T extends Expirable>(backups: readonly T[]): readonly T[] {
  return backups.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime() || (a.id < b.id ? 1 : -1));
}
