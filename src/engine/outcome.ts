import type { Json } from '../base/json.ts';
import type { Sample } from './sample.ts';

/** Facts of an outcome, for programs: plain data. */
export type Facts = Readonly<Record<string, Json>>;

/** What a step found or did. A thrown error is not an outcome: the engine records it as `crash`. */
export interface Outcome {
  readonly status: 'done' | 'warn' | 'fail' | 'skip';
  /** One line for someone who was just woken up: value first, no full stop. */
  readonly summary: string;
  /** The same for a program. */
  readonly facts?: Facts;
  /** What to do, as commands where possible; required in spirit for `warn` and `fail`, and held by the contract suite. */
  readonly remediation?: readonly string[];
  /** Numbers worth a trend. */
  readonly samples?: readonly Sample[];
  /** A finer dotted name for programs, such as `verify.rows_mismatch`. */
  readonly detail?: string;
}

type Extras = Omit<Outcome, 'status' | 'summary'>;

/** The step did what it should, or found nothing wrong. */
export function done(summary: string, extras: Extras = {}): Outcome {
  return { status: 'done', summary, ...extras };
}

/** There was nothing to do, and that is fine. */
export function skip(summary: string, extras: Extras = {}): Outcome {
  return { status: 'skip', summary, ...extras };
}

/** Someone should look at it within working hours. */
export function warn(summary: string, remediation: readonly string[], extras: Extras = {}): Outcome {
  return { status: 'warn', summary, remediation, ...extras };
}

/** Something is broken and a person must act. */
export function fail(summary: string, remediation: readonly string[], extras: Extras = {}): Outcome {
  return { status: 'fail', summary, remediation, ...extras };
}
