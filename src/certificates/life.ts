import { DAY_MS } from '../base/units.ts';

const HOUR_MS = DAY_MS / 24;
/** Above this a certificate is renewed by a person, who needs weeks, not a share of a year. */
const LONG_MS = 180 * DAY_MS;

/** How much of a life is left, and from when on that is too little. */
export interface Life {
  /** Negative once it is over. */
  readonly leftMs: number;
  readonly lifetimeMs: number;
  /** From 1 for a fresh one down to 0. */
  readonly leftShare: number;
  readonly grade: 'done' | 'warn' | 'fail';
}

/**
 * From which rest of a lifetime on to warn and to fail. Fixed days do not fit: a certificate may live six days or a year.
 *
 * - above 180 days: 30 and 14 days, for a person renews it;
 * - else a quarter and a tenth of it, at least 24 and 6 hours so that someone can still act, yet never more than a third
 *   and a sixth of it, for automatic renewal begins at about a third, and a fresh one must not be a finding.
 */
export function lifeThresholds(lifetimeMs: number): { readonly warnMs: number; readonly failMs: number } {
  if (lifetimeMs > LONG_MS) return { warnMs: 30 * DAY_MS, failMs: 14 * DAY_MS };
  return {
    warnMs: Math.min(Math.max(lifetimeMs / 4, 24 * HOUR_MS), lifetimeMs / 3),
    failMs: Math.min(Math.max(lifetimeMs / 10, 6 * HOUR_MS), lifetimeMs / 6),
  };
}

/** Grades what is left of a life at an instant. */
export function lifeAt(
  { notBefore, notAfter }: { readonly notBefore: Date; readonly notAfter: Date },
  now: Date,
): Life {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  const leftMs = notAfter.getTime() - now.getTime();
  const { warnMs, failMs } = lifeThresholds(lifetimeMs);
  const leftShare = lifetimeMs > 0 ? Math.min(1, Math.max(0, leftMs / lifetimeMs)) : 0;
  return { leftMs, lifetimeMs, leftShare, grade: leftMs <= failMs ? 'fail' : leftMs <= warnMs ? 'warn' : 'done' };
}
