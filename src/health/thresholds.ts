import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';

/** From which share of a resource on someone should know, and from which on someone must act. */
interface ShareThresholds {
  readonly warnAt: number;
  readonly failAt: number;
}

const NOT_A_SHARE = 'write a share from 0 to 1, such as 0.8 for 80 %';

/** A setting between 0 and 1, with its default. */
export function shareSetting(standard: number): z.ZodDefault<z.ZodNumber> {
  return z.number().min(0, NOT_A_SHARE).max(1, NOT_A_SHARE).default(standard);
}

/** A warning that comes no earlier than the failure warns nobody. */
export function warnsFirst({ warnAt, failAt }: ShareThresholds): boolean {
  return warnAt < failAt;
}

/** What a person reads who wrote two thresholds the wrong way round; for `refine`, together with `warnsFirst`. */
export const WARNS_FIRST = { path: ['warnAt'], error: 'warnAt must be below failAt' };

/** How bad a share is. */
export function gradeShare(share: number, { warnAt, failAt }: ShareThresholds): 'done' | 'warn' | 'fail' {
  return grade(share, warnAt, failAt);
}

/** How bad a number is that is bad when it is large. */
export function grade(value: number, warnAt: number, failAt: number): 'done' | 'warn' | 'fail' {
  if (value >= failAt) return 'fail';
  return value >= warnAt ? 'warn' : 'done';
}

/** After how long something that goes on is worth knowing, and after how long someone must act; in milliseconds. */
export interface AgeThresholds {
  readonly warnAfter: number;
  readonly failAfter: number;
}

/** Two settings of a check that watches how long something lasts, for spreading into its schema. */
export function ageSettings(what: string, { warnAfter, failAfter }: { warnAfter: string; failAfter: string }) {
  return {
    warnAfter: durationSetting.prefault(warnAfter).describe(`Warn when ${what} for longer than this`),
    failAfter: durationSetting.prefault(failAfter).describe(`Fail when ${what} for longer than this`),
  };
}

/** The same as `warnsFirst`, for durations. */
export function warnsSooner({ warnAfter, failAfter }: AgeThresholds): boolean {
  return warnAfter < failAfter;
}

/** For `refine`, together with `warnsSooner`. */
export const WARNS_SOONER = { path: ['warnAfter'], error: 'warnAfter must be shorter than failAfter' };
