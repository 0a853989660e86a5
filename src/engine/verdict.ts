import type { Outcome } from './outcome.ts';

/** An outcome's status, or `crash` (we could not find out), or `not-run`. */
export type Verdict = Outcome['status'] | 'crash' | 'not-run';

const SEVERITY: Readonly<Record<Verdict, number>> = { skip: 0, done: 1, 'not-run': 2, warn: 3, crash: 4, fail: 5 };

/** The verdict of a run is its worst; a known failure outranks "could not find out". `skip` where there is nothing. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce<Verdict>((sofar, next) => (SEVERITY[next] > SEVERITY[sofar] ? next : sofar), 'skip');
}

/** Does this verdict name a problem that someone must hear of? */
export function isProblem(verdict: Verdict): boolean {
  return SEVERITY[verdict] >= SEVERITY.warn;
}
