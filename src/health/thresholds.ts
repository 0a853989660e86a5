import { z } from 'zod';

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
  if (share >= failAt) return 'fail';
  return share >= warnAt ? 'warn' : 'done';
}
