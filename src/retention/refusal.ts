import { MaintError } from '../base/errors.ts';

/** Why a rule must not begin, before the first row. */
export interface Refusal {
  /** A dotted name for programs, such as `prune.share`. */
  readonly detail: string;
  /** Lower case, names the thing. */
  readonly reason: string;
  /** What to do, as commands where possible. */
  readonly remediation: readonly string[];
}

/**
 * Asks PostgreSQL something whose refusal is an answer too: what it says against a setting becomes a refusal.
 * @throws MaintError for everything that is no statement of the server about the setting
 */
export async function judged<T>(
  ask: () => Promise<T>,
  refuse: (said: string) => Refusal,
): Promise<{ readonly value: T } | { readonly refusal: Refusal }> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'STATEMENT_FAILED') throw error;
    return { refusal: refuse(error.message) };
  }
}
